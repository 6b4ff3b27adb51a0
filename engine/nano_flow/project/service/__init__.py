"""service.yaml of a project: found, read, checked, and asked when it starts what."""
