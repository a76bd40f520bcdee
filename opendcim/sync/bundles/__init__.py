"""Bundles: files that carry templates where a repository cannot be reached."""
