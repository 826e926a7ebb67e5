"""The command line, `ivdseg COMMAND`."""
