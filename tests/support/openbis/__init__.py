"""What tests know of the databases of openBIS."""
