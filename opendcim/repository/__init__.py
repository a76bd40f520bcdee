"""openDCIM's template repository: published templates, the queue of submissions, moderation."""
