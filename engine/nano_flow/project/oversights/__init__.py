"""What looks like an oversight in documents that are valid."""
