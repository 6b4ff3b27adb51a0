"""One model call, end to end: candidates, cache, reservation, attempts, next model, price, events."""
