"""Integer arithmetic, encodings and event words that every other part agrees on (numpy only)."""
