"""An openBIS database of our own making, of any schema from 147 to 213, with the data store folder
and the path-info database that go with it.

`schema` says which tables and columns there are since when, `world` what stands in them, `files`
what lies in the data store; `database` writes both down as SQL. All of it is invented and always
the same.
"""
