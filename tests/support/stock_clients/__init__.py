"""The reference client of ResourceSync, the rules of its documents, and a server for it."""
