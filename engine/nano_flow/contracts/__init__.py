"""What adapters have to keep, as test classes: subclass one in a test, say how yours is made, and run pytest."""
