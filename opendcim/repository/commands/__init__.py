"""``source-server opendcim``: the operator's commands for a template repository."""
