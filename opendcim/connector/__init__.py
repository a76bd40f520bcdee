"""The connector: it answers which device a monitored element is, and where it stands.

::

    web (POST, GET) > rows (Pending) > workers > lookup > opendcim (its REST API)
                                              \\> registry (element id to name)
    rows (Completed, Failed) < response

openDCIM itself is not changed. An answer has only those values that `fields` lists.
"""
