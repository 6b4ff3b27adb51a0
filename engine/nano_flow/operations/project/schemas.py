"""The JSON Schemas of the documents, for editors."""

from nano_flow.documents.export import drifted, schema_text, write

__all__ = ["drifted", "schema_text", "write"]
