"""What readers of a store may ask: runs, spend, observations, open questions."""
