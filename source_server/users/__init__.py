"""Who may sign in to the source server."""
