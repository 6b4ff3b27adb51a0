"""Regular expressions that cannot hang: parsed into a small tree, matched by an automaton."""
