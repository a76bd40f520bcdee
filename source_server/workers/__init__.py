"""Several processes that serve as one: a parent keeps what they share, and starts them anew."""
