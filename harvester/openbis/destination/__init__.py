"""What is done with the instance that is written to."""
