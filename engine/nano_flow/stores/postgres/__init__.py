"""The store of many machines, in PostgreSQL."""
