"""Facts of replies, and the cascade that judges by them (pure)."""
