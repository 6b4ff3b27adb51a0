"""The steps of reading YAML: checks on the text, the parser's events, plain data with positions."""
