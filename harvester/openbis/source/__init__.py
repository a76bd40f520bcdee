"""An openBIS, or a source server of ours, as a data source: its list, and where its files are."""
