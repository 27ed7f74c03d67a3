"""The training loop, and what keeps it from losing anything: checkpoints, interrupts, the log."""
