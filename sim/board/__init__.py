"""A whole board in simulation, behind a pseudo-terminal or an SPI socket."""
