"""A core that takes several events per clock, with a lane for every neuron."""
