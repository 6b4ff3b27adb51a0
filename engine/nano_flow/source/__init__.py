"""Texts with positions: YAML read into plain data, expressions checked before they are compiled."""
