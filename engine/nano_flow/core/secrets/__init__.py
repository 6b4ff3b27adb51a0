"""Secret values: how they are written, how they are taken out of data, and how they come back into it."""
