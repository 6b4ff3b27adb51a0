"""How templates that are more than plain references are compiled, bounded and rendered; imports Jinja."""
