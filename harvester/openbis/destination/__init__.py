"""The instance that a section whose source is an openBIS writes to."""
