"""The embedded store as a destination. The incoming tables and the store lie in one database, so
each call is a handful of SQL statements, whatever the size. One connection holds the section's lock
and its incoming tables."""
