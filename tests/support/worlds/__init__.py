"""Sources that change from day to day."""
