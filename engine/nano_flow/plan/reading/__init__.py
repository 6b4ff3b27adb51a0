"""Files that a workflow names: which may be read, and what they hold."""
