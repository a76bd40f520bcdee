"""What a benchmark tells: a value, the floor that was measured beside it, and the mark."""

from __future__ import annotations

from dataclasses import dataclass

MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One line of the table.

    ``key`` is stable: it names the measure in JSON and in docs/performance.md. ``floor`` has the
    unit of ``value`` and was measured in the same run; None if the mark is absolute. ``mark`` is
    the most that value / floor (or, without a floor, the value itself) may be.
    """

    key: str
    title: str
    value: float
    unit: str
    floor: float | None = None
    mark: float
    note: str = ""

    @property
    def ratio(self) -> float:
        """What is compared with the mark."""
        return self.value if self.floor is None else self.value / self.floor

    @property
    def met(self) -> bool:
        return self.ratio <= self.mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much is measured: samples of workloads S and L, entities of the mixed instance M, data
    sets with one small file of ``small_file`` bytes, and with one large file of ``large_file``."""

    small: int
    large: int
    mixed: int
    small_files: int
    small_file: int
    large_files: int
    large_file: int


FULL = Sizes(
    small=100_000,
    large=1_000_000,
    mixed=100_000,
    small_files=2_000,
    small_file=4_096,
    large_files=20,
    large_file=50 * MEGABYTE,
)

# Enough to see that everything works; the ratios mean nothing then.
SMALL = Sizes(
    small=2_000,
    large=6_000,
    mixed=2_000,
    small_files=40,
    small_file=4_096,
    large_files=2,
    large_file=5 * MEGABYTE,
)
