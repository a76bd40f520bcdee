"""What listens at a port: sources, mail, databases."""
