"""Every error raised on purpose; each class has a handler that treats it differently.

::

    SyncError                    its message tells the operator what to do      exit   HTTP
    ├── ConfigError              every fault of a file at once                    2
    ├── SourceError              the source cannot be read now; tried again       3
    │   └── SourceRefusedError   401 or 403: trying again would not help          4
    ├── FormatError              an answer, but no whole resource list            5
    ├── ConflictError            the master data of both sides contradict         6
    ├── ItemError                one item failed; the rest goes on                7
    ├── StoppedError             stopped before its end, by request or limit      10
    ├── BusyError                another process works on the same section    11
    ├── NotNowError              the source has the file, but cannot read it now          503
    ├── NotFoundError            a client asked for entities that are not there           404
    └── RequestError             a bad verb or pattern, before the first byte            400
"""

from __future__ import annotations

from collections.abc import Sequence

from shared.masking import masked


class SyncError(Exception):
    """Raised on purpose; the message says what happened, to what, and what to do about it.

    Known secrets in the message are masked (`shared.masking`).
    """

    exit_code = 1

    def __init__(self, message: str = "") -> None:
        super().__init__(masked(message))


class ConfigError(SyncError):
    """The settings are wrong. ``faults`` lists all of them, one line each."""

    exit_code = 2

    def __init__(self, faults: str | Sequence[str]) -> None:
        given = (faults,) if isinstance(faults, str) else tuple(faults)
        self.faults = tuple(map(masked, given))
        super().__init__("\n".join(self.faults))


class SourceError(SyncError):
    """The data source cannot be read at the moment: unreachable, too slow, cut off, or 5xx."""

    exit_code = 3


class SourceRefusedError(SourceError):
    """The data source answered 401 or 403; the credentials or the rights are wrong."""

    exit_code = 4


class FormatError(SyncError):
    """The source answered with something that is not a whole resource list."""

    exit_code = 5


class ConflictError(SyncError):
    """Master data of source and destination contradict each other. ``reasons`` lists them all."""

    exit_code = 6

    def __init__(self, reasons: Sequence[str]) -> None:
        self.reasons = tuple(map(masked, reasons))
        super().__init__("\n".join(self.reasons))


class ItemError(SyncError):
    """One item could not be synchronised; it is reported and tried again in the next run. If it
    ``waits`` for another item, or for a service that is away, there is no growing pause before
    that."""

    exit_code = 7

    def __init__(self, kind: str, perm_id: str, reason: str, *, waits: bool = False) -> None:
        self.kind = kind
        self.perm_id = perm_id
        self.reason = masked(reason)
        self.waits = waits
        super().__init__(f"{kind} {perm_id}: {self.reason}")


class StoppedError(SyncError):
    """A run stopped before its end; the next one continues. ``stalled`` if it made no progress,
    which an operator should look at."""

    exit_code = 10

    def __init__(self, reason: str, *, stalled: bool = False) -> None:
        self.stalled = stalled
        super().__init__(f"{reason}; the next run goes on from here")


class BusyError(SyncError):
    """Another process works on the same section of the same destination."""

    exit_code = 11


class NotNowError(SyncError):
    """A client asked for a file that the source has, but cannot read at the moment."""


class NotFoundError(SyncError):
    """A client asked for a list of entities that do not exist, or that it may not see; answered
    with 404 before the first byte."""


class RequestError(SyncError):
    """A client sent a malformed request; answered with 400 before the first byte."""
