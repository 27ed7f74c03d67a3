"""A core on a board: pins, clock, link and loader around it, and its bitstream."""
