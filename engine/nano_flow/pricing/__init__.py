"""What calls cost, before and after, and how it is kept within a budget."""
