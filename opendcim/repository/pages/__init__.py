"""The pages for moderators: made by the server, without scripts and foreign resources."""
