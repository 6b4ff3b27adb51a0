"""What a template may say: its syntax, the words that exist, and the bounds that hold before anything runs."""
