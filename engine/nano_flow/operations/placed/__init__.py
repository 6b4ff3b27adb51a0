"""Workers that do single steps of runs, beside whole runs."""
