"""An openDCIM installation: its database, reading it, writing it."""
