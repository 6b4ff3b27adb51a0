"""The passes that only judge: each looks at a finished draft for one kind of mistake."""
