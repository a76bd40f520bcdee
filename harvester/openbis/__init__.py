"""The section kind ``openbis``: its data source is an openBIS, or one of our source servers."""
