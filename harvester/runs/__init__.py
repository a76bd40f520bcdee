"""The vocabulary of a run: its order (`Job`), its report, its limits."""
