"""The parts of the simulated provider: tokens, text, values for a schema, scripts, faults."""
