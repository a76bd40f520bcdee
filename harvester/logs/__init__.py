"""What a run shows while it works: the log of the section, and progress bars at a terminal."""
