"""Commands of this machine, and the end of all that they start."""
