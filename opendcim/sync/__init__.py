"""Repository synchronization: device templates between openDCIM and a template repository."""
