"""Settings of both programs: how values are read, and how all faults are told at once."""
