"""Networks that others trained: calibrated, judged and trained on."""
