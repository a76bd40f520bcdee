"""What a harvester remembers from run to run."""
