"""Trained networks that ship with twinspike, a folder a configuration, each with its provenance."""
