"""The filters and tests of templates, by name; each metered."""
