"""The commands about routing policies."""
