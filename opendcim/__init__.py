"""The openDCIM package: it uses both programs, which find it by the package's entry points."""
