"""openDCIM: a tenant above both programs, which find it by the entry points of the package."""
