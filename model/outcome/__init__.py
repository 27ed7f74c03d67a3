"""What a trained network is worth, and what it needs: references, thresholds, figures, bits of membranes."""
