"""A template repository as a client sees it: its lists, its queue, and what is remembered of it."""
