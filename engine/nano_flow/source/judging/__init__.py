"""Values under JSON Schema (2020-12): judged step by step under a meter, so that no value and no schema can hang."""
