"""The IP package: a core for somebody else's design."""
