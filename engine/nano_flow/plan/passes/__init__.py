"""The passes that make a plan, each from a draft to a draft that knows more."""
