"""The pages for moderators: server-made, without programs, nothing from elsewhere."""
