"""Running a plan: what starts when, within which limits."""
