"""The nine steps, a module each; `harvester.sync.STEPS` is the table of them."""
