"""The kinds of step as they are executed, each in the module of its name; ``KIND`` tells the runtime how."""
