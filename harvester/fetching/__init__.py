"""The data source over HTTP, and how its files get into the data store."""
