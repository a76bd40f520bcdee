"""Publishes an openBIS instance by ResourceSync and serves its files."""
