"""The memory of a harvester: what it keeps from run to run."""
