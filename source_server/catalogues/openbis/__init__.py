"""A catalogue over a real openBIS database, its data store folder and its path-info database.

All of it is only read. The tables, versions and rights are openBIS's; the queries are ours.
"""
