"""Learning rules: how a batch changes the weights. A new rule is one file here and one row in RULES of
model/settings.py."""
