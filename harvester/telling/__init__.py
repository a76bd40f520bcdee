"""Who is told what: mail and web hook, and not twice the same."""
