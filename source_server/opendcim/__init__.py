"""What serves openDCIM: the template repository, and the connector for external requests."""
