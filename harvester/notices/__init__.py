"""Notices to operators: which events are sent by mail and web hook, and in which words."""
