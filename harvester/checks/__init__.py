"""What ``harvester check-config --online`` tries for sections of every kind."""
