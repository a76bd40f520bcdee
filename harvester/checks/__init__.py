"""What ``harvester check-config --online`` tries, a module for each part of a harvest."""
