"""The wire format of openDCIM's template repository, for its server and its clients."""
