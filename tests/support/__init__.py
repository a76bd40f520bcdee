"""What several tests share, by purpose; tests/README.md has a line for each module."""
