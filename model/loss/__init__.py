"""Distances between spike trains, and what spikes and clocks cost."""
