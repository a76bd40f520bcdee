"""The source server's HTTP application: routes, limits, downloads, metrics."""
