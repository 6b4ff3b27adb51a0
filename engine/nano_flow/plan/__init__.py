"""A workflow, checked and frozen: what would run, in which order, within which bounds."""
