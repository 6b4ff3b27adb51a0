"""What a call waits for before it is sent: its provider's pace, and room in its budget."""
