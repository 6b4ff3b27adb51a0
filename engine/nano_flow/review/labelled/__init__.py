"""The labels that the checks of recorded runs left: put together, learned from, looked up."""
