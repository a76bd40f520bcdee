"""The daemon: its schedule, its loop and its state for the monitor."""
