"""Commands that go on until they are told to end, and what is left to them."""
