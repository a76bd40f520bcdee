"""Weights: pounds at the repository, and whatever the installation is set to. Both are whole.

A pound is finer than a kilogram. So a weight in kilograms comes back the same from pounds; but
several weights in pounds become the same kilograms, and which it was is only known at the
repository. What is already the same in kilograms is therefore never changed, on neither side.
"""

from __future__ import annotations

from math import floor

from opendcim.sync.section import Units

_KILOGRAMS = 0.45359237
"""One pound."""


def local_weight(pounds: int, units: Units) -> int:
    """As the installation shows it."""
    return pounds if units is Units.INCH_POUND else floor(pounds * _KILOGRAMS + 0.5)


def pounds_of(weight: int, units: Units, published: int | None = None) -> int:
    """Of a weight in the installation. ``published`` is what the repository has: it stays, if it
    is the same weight."""
    if units is Units.INCH_POUND:
        return weight
    if published is not None and local_weight(published, units) == weight:
        return published
    return floor(weight / _KILOGRAMS + 0.5)
