"""Frozen values that the rest of the project uses. Imports the standard library only."""
