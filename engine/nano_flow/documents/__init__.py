"""The documents that users write: one Pydantic model file per kind, loading, schemas, diagnostics."""
