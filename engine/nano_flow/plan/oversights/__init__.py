"""What a valid workflow probably does not mean: it compiles, runs, and silently does something else."""
