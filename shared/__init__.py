"""The basis of both programs: model, wire format, settings and store."""
