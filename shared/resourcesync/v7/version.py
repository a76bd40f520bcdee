"""openBIS 7 as a version of the wire format."""

from __future__ import annotations

from shared.resourcesync.v7.writer import WRITER
from shared.resourcesync.wire_format import EntryReader, WireFormat


def _reader() -> EntryReader:
    # Imported late: a server that only writes lists does without lxml.
    from shared.resourcesync.v7.entry_reader import READER  # noqa: PLC0415

    return READER


V7 = WireFormat(name="7", writer=WRITER, load_reader=_reader, announces_afs=True)
