"""Values that every room shares: diagnostics, errors, events, messages, money, references."""
