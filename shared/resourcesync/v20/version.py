"""openBIS 20.10 as a version of the wire format."""

from __future__ import annotations

from shared.resourcesync.v20.entity_writer import entity_entry, service_file_entry
from shared.resourcesync.v20.master_data_writer import master_data_entry
from shared.resourcesync.wire_format import EntryReader, EntryWriter, WireFormat


def _reader() -> EntryReader:
    # Imported late: a server that only writes lists does without lxml.
    from shared.resourcesync.v20.entry_reader import READER  # noqa: PLC0415

    return READER


V20 = WireFormat(
    name="20.10",
    writer=EntryWriter(
        master_data=master_data_entry, entity=entity_entry, service_file=service_file_entry
    ),
    load_reader=_reader,
)
