"""Formal proofs of the hardware's properties; ``make formal`` runs them all (formal/__main__.py)."""
