"""Small blocks that know nothing of networks: streams, buffers, arithmetic, memories."""
