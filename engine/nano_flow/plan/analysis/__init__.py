"""What can be told of a plan: its graphs measured, its steps described."""
