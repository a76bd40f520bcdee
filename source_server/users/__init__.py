"""The users of the source server, and their sign-in."""
