"""Replies that are kept between runs."""
