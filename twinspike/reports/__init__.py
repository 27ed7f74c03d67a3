"""The HTML report of one network and the closing table."""
