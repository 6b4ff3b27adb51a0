"""JSON Schemas in a workflow, judged without importing a validator."""
