"""One layer in hardware: a walker turns events into pairs of words, the neurons integrate and fire."""
