"""Commands about documents: check them, and give editors their schemas."""
