"""What templates may name, and what is known of those values before a run."""
