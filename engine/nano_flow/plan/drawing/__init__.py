"""Drawings of a plan: as a tree, for Mermaid, for Graphviz, and as SVG that needs no other program."""
