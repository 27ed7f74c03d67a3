"""Data: what samples and labels are read from, split and checked."""
