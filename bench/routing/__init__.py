"""How well routing tells which prompts need the stronger model, on outcomes of real models."""
