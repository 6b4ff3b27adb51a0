"""OpenAI's Responses API: items in place of messages, nothing kept by the server."""
