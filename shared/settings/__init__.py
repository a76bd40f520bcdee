"""Settings of both programs: kinds of values, secrets, paths, and the way to checked settings."""
