"""Weights: whole pounds in the repository, whole pounds or kilograms in the installation.

A pound is smaller than a kilogram, so kilograms survive the way to pounds and back, but several
numbers of pounds become the same kilograms. A weight that is already equal in kilograms is
therefore never changed, on either side.
"""

from __future__ import annotations

from math import floor

from opendcim.sync.section import Units

# Kilograms in a pound.
_KILOGRAMS = 0.45359237


def local_weight(pounds: int, units: Units) -> int:
    """The weight in the installation's units."""
    return pounds if units is Units.INCH_POUND else floor(pounds * _KILOGRAMS + 0.5)


def pounds_of(weight: int, units: Units, published: int | None = None) -> int:
    """The weight in pounds. If ``published``, the repository's weight, is equal in the
    installation's units, it is returned."""
    if units is Units.INCH_POUND:
        return weight
    if published is not None and local_weight(published, units) == weight:
        return published
    return floor(weight / _KILOGRAMS + 0.5)
