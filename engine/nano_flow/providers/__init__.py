"""Adapters that serve model calls: simulated ones, LiteLLM's, and those of other packages."""
