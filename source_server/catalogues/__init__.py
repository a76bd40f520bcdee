"""The catalogues: over the embedded store, and over a real openBIS."""
