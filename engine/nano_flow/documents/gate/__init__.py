"""The schema gate: JSON Schemas made from the models, and errors with a place and a hint where a document is bad."""
