"""An invented instance: a botanical garden and its seed bank, small, with a bit of everything."""
