"""The transport under LiteLLM: one bounded exchange per call, connections that are closed with the last call."""
