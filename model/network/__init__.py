"""The spiking network in torch: layers, neurons, and the compiled passes that stand in for both."""
