"""Bundles: files that carry templates to and from sites that cannot reach the repository."""
