"""What goes wrong between a source and a harvester."""
