"""What stands around every command: the lazy group, the files it reads, the report of a defect."""
