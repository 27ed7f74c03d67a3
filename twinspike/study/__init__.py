"""Whatever trains and measures many networks."""
