"""The commands that only openBIS sections have, a module each."""
