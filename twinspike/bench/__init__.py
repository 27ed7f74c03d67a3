"""Maintainers' measurements: builds for every device, scaling studies, the area model, energy."""
