"""Commands that set up a project and a machine."""
