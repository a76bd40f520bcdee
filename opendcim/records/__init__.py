"""The wire of openDCIM's template repository: what its server and its clients have in common."""
