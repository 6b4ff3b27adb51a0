"""A run that goes on: what changed since it began, what is done again, what is kept."""
