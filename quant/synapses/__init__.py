"""Layer kinds as numpy defines them: geometry, checks and golden currents, one file per kind."""
