"""Placed executions in a store of SQL: what owners leave to others, what workers take, and who is at its seat."""
