"""From output spikes to a frame's result: distances to references, or counts of spikes."""
