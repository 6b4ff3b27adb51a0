"""The store of a project in one SQLite file."""
