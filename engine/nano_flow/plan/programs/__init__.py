"""Programs that run other programs, or read their arguments as code."""
