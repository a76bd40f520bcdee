"""Brings contents from the source into the data store, in the real pass and in the rehearsal."""
