"""Random networks and hostile streams through the RTL."""
