"""Where weights lie: block RAM, or single-port RAM that is loaded through a port."""
