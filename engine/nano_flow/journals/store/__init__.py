"""The parts of the SQLite store: its tables, the writer, the lease of a run, and what readers may ask."""
