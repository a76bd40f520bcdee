"""An invented instance: a small botanical garden and its seed bank, with entities of every kind."""
