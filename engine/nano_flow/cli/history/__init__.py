"""Commands about what happened: runs, their money, questions to people."""
