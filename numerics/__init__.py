"""Integer arithmetic, codings and event words that every other part agrees on (numpy only)."""
