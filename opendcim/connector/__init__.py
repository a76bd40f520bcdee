"""The connector for external requests: what openDCIM knows about elements of a monitoring
system.

::

    web (POST, GET) > rows (Pending) > workers > lookup > opendcim (its REST API)
                                              \\> registry (element id to name)
    rows (Completed, Failed) < response

Nothing here is known to openDCIM, and nothing of openDCIM is passed on but what `fields` names.
"""
