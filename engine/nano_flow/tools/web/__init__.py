"""Requests to the web: only to the addresses that were checked."""
