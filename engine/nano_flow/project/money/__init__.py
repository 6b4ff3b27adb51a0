"""Plans with their cost, and price tables on disk."""
