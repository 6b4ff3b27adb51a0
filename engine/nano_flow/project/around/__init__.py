"""What is around a run in its project: a workspace of its own, the variables of a file."""
