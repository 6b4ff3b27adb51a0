"""How values of the engine are shown: to other programs, and on terminals."""
