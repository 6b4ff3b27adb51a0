"""The transport under LiteLLM: one bounded exchange per call."""
