"""Pure folds over events and ledger rows: the report of a run, spend, timelines, and the same as text."""
