"""Executions: which sections run, and how an error in one is kept from the others."""
