"""Labelled outcomes, and how well a score ranks them (pure)."""
