"""twinspike: siamese spiking networks with an Earth Mover's Distance loss, down to FPGA netlists."""

__version__ = "0.2.0"
