"""The steps of a run, in the order that openDCIM has since 4.1."""
