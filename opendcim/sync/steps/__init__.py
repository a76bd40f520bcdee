"""The steps of a run, in openDCIM's order since 4.1."""
