"""What ``harvester check-config --online`` tries for a section whose source is an openBIS."""
