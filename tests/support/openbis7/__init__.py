"""Stands for an openBIS 7: data source, application server and application file service (AFS).

It behaves as openBIS 7 does, faults included (openbis-7-sync.md, 2 to 6); `lab` is what lies in it.
"""
