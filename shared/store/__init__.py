"""The embedded instance: one database (SQLite or PostgreSQL) and one data store folder."""
