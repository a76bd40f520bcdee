"""HTTP as the harvester needs it: TLS, retries, bandwidth, downloads that can be resumed."""
