"""The kinds of step, each in one file: its templates, its planned type, how it is frozen, the shape of its output."""
