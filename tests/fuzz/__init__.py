"""Mutated lists and settings, all the way: only clean errors, faults of records, or success.

``make fuzz`` runs many; tests/fuzz/test_fuzz.py a few of them.
"""
