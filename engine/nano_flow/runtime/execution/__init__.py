"""One step: its condition, its items, its iterations, its attempts — the modifiers from outside in."""
