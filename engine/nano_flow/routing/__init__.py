"""Which model serves a prompt, and why: facts, signals, rules, the choice (pure)."""
