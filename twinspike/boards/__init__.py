"""The steps of boards: bitstream, flash, simulated board and a device on a link."""
