"""When the daemon harvests, and what it shows of itself."""
