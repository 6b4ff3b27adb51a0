"""Texts that people name: files that may be missing, too large or no text."""

from nano_flow.project.files import read_text

__all__ = ["read_text"]
