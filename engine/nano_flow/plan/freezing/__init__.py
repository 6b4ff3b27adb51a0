"""From a draft without errors to the frozen plan."""
