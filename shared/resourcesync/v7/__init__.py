"""The entries of openBIS 7."""
