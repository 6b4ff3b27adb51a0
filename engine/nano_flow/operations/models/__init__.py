"""Models and providers as runs have met them."""
