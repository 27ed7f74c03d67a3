"""The serial link of a board: bytes on a wire become requests to the core's registers, and answers."""
