"""The daemon: when it harvests, and what it shows of itself."""
