"""Who may do what over HTTP: tokens and roles, where a request may come from, and how large and slow it may be."""
