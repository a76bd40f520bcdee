"""Frozen values, standard library only; everything else in the project speaks in them."""
