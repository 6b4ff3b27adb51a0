"""Between our requests and replies and the forms that LiteLLM takes and gives."""
