"""Brings what a data source publishes into a destination instance, dry-run pass first."""
