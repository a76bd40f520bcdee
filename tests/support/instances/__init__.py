"""What is harvested, and what harvests it."""
