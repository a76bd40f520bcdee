"""A catalogue over a real openBIS database, its data store folder and its path-info database.

All of it is only ever read. The facts about the database (tables, versions, who may see what) are
those of openBIS; the queries are ours.
"""
