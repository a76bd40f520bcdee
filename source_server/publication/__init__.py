"""What is published: the documents, their selection, and the catalogue they are made from."""
