"""The commands of the harvester, a module each."""
