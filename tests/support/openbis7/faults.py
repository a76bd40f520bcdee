"""How an openBIS 7 of a test fails. A test changes the switches as it likes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta


@dataclass(slots=True, kw_only=True)
class Faults:
    """What the data source and AFS do wrong beside what openBIS 7 always does."""

    # Definitions of internal codes carry their $; else they have managedInternally alone.
    dollar_in_definitions: bool = True
    # AFS data appear as data sets of type AFS_DATA, too.
    afs_data_sets: bool = False
    # The data source has no afs-url.
    afs_is_not_configured: bool = False
    # The address of AFS in the list, instead of the right one.
    afs_address: str | None = None
    # The data source cannot ask AFS, and so its list fails.
    list_sees_no_afs: bool = False
    # The body of the next lists is cut after this number of bytes.
    cut_lists_after: list[int] = field(default_factory=list)
    # Entries of a kind come in an order that depends on this number.
    order: int = 7

    # AFS answers everything with status 503.
    afs_is_away: bool = False
    # What it says then of when to come back.
    retry_after: timedelta | None = None
    # AFS is away after this number of chunks.
    away_after_reads: int | None = None
    # Owners whose files AFS does not give.
    unreadable: set[str] = field(default_factory=set)
    # Bytes, by path, after which AFS ends what it reads.
    short_reads: dict[str, int] = field(default_factory=dict)
    # Other bytes, by path, that AFS gives.
    other_bytes: dict[str, bytes] = field(default_factory=dict)
    # How many of the next calls find the owner locked (error 10011).
    busy: int = 0
