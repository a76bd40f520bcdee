"""The vocabulary of a run: what is asked (`Job`), what became of it (`SectionReport`), limits."""
