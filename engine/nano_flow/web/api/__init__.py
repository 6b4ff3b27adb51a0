"""The HTTP API: what programs send, what they get, described by one OpenAPI document."""
