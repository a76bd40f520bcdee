"""An openBIS, or one of our source servers, as data source: its list and its files."""
