"""The parts of a routing document, each made into frozen values."""
