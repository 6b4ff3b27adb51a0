"""Prices that others publish, compared with ours, and how ours are corrected."""
