"""The boards that bitstreams are built for: a file each, called as the board, with its BOARD."""
