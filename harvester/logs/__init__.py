"""What a run writes while it goes on: the section's log, and bars for people who watch."""
