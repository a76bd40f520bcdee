"""``source-server opendcim``: what an operator of a template repository does on the machine."""
