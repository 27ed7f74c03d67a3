"""Torch side: datasets, LIF with surrogate gradient, EMD losses, siamese training, evaluation."""
