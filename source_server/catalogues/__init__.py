"""Where the published items come from: the embedded store, or a real openBIS."""
