"""What agents and steps may do to the world outside."""
