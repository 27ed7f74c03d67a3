"""What training shows: images drawn, augmented, encoded, and held as lists of events."""
