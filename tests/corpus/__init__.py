"""Bad inputs, and what becomes of each: ``index.csv`` says it."""
