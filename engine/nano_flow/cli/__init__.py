"""The command line: one file a command; it parses, calls ``app`` and prints."""
