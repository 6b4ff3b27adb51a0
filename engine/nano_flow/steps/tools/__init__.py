"""Tools and commands as steps use them: found by name, checked, called once, recorded."""
