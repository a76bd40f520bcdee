"""Sections whose data source is an openBIS: one kind of section among others."""
