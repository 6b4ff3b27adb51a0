"""What was decided, paid and done: journals in memory and in SQLite."""
