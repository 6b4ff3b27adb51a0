"""One attempt of one model: what it may take, sending it, and what becomes of it in the books."""
