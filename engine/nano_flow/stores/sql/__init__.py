"""What the SQL stores share: the rows of a run, its lease, its one writer, and what readers may ask."""
