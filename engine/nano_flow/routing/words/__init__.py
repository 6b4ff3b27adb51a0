"""The words of a prompt: what it asks, in which language, and which listed words that holds."""
