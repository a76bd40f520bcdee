"""An openDCIM installation: its database, what is in it, and how it is written."""
