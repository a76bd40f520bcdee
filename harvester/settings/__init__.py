"""The settings of a harvester, checked: ``harvester.properties`` and the INI file of sections."""
