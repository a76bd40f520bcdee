"""The nine steps, a module each; `harvester.openbis.sync.STEPS` is the table of them."""
