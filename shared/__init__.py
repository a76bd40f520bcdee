"""What both programs stand on: the model, the wire format and the store."""
