"""Executions: which sections run, each behind an edge that no error leaves."""
