"""Cascades under review: what can be learned of the replies of a cheap model."""
