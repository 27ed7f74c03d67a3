"""Quantised layers, export to integers and the network file."""
