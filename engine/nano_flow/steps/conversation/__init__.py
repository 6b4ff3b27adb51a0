"""The parts of an agent's conversation: its messages, its tool calls, its output, and the checks on it."""
