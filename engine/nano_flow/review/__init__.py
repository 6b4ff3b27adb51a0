"""What a change of the routing policy would do, before it is merged: ask, compare, replay, learn."""
