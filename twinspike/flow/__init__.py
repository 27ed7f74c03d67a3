"""What the steps share: folders, plans of a configuration, results and records."""
