"""Where runs are remembered: the fold of earlier lives, the SQL that all stores share, and one room per database."""
