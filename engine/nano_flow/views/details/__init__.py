"""What a report says in detail: what was asked and answered in one execution, and long lists as one row."""
