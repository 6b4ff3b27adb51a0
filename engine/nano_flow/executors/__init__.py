"""Where a step is done that a run leaves to others."""
