"""Events to the outside as they happen: a terminal, lines of JSON."""
