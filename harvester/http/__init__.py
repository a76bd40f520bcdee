"""HTTP for the harvester: TLS, retries, bandwidth limits, downloads that resume."""
