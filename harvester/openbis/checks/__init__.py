"""The online checks of ``harvester check-config`` for a section whose source is an openBIS."""
