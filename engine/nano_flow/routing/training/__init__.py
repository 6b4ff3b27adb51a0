"""Learns a score from labelled outcomes, and measures any score against them."""
