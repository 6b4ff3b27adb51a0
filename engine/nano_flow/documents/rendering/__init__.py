"""Diagnostics for people, editors and CI: text with the source line, JSON, GitHub annotations, SARIF."""
