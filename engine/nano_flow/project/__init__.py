"""A project as it lies on disk: its documents read, checked and made into what a run needs."""
