"""``nano-flow test``: workflows rehearsed on scripted models, commands, tools and people."""
