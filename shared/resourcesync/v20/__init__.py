"""The entries of openBIS 20.10: entities, master data and file-service files."""
