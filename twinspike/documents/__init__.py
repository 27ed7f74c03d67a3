"""Filling README and docs from results, so that no figure in them is typed."""
