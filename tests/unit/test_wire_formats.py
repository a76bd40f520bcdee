"""Reader and writer of lists use the version of the wire format that they are given."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import pytest

from shared.model.entities import Entity
from shared.model.ids import Code
from shared.model.kinds import Kind
from shared.model.master_data import MasterData
from shared.resourcesync.addresses import Addresses
from shared.resourcesync.items import ListHead, RecordFault
from shared.resourcesync.reader import read_resource_list
from shared.resourcesync.v20.entry_reader import READER
from shared.resourcesync.v20.version import V20
from shared.resourcesync.wire_format import WireFormat
from source_server.publication.published import Publication, everything
from source_server.publication.resource_list import resource_list
from source_server.publication.selection import Selection
from source_server.publication.service_files import ServiceFiles
from tests.support.instances.builders import a_space, an_entity
from tests.support.instances.memory_catalogue import MemoryCatalogue
from tests.support.instances.resource_lists import ADDRESSES, AT, a_list

WITHOUT_MATERIALS = {kind.value: kind for kind in Kind if kind is not Kind.MATERIAL}
SHORT = b"<url><loc>short</loc></url>"


def a_version() -> WireFormat:
    """A version without materials that writes each entity as `SHORT`."""

    def write(_addresses: Addresses, _entity: Entity, *_codes: Collection[Code]) -> bytes:
        return SHORT

    return WireFormat(
        name="another",
        writer=replace(V20.writer, entity=write),
        load_reader=lambda: replace(READER, kinds=WITHOUT_MATERIALS),
    )


@pytest.mark.parametrize("comment", [b"", b"<!-- so the parser must read it -->"])
def test_a_list_is_read_as_the_version_that_is_given(comment: bytes) -> None:
    material = an_entity(Kind.MATERIAL)
    document = a_list([MasterData(), material, a_space()]).replace(b"<rs:md", comment + b"<rs:md")

    assert list(read_resource_list([document], V20))[2:] == [material, a_space()]
    assert list(read_resource_list([document], a_version())) == [
        ListHead(at=AT),
        MasterData(),
        RecordFault(
            kind="MATERIAL", perm_id=material.perm_id, reason="the kind 'MATERIAL' is unknown"
        ),
        a_space(),
    ]


def test_a_list_is_written_as_the_version_that_is_given() -> None:
    publication = Publication(
        catalogue=MemoryCatalogue(stored=[a_space()]),
        addresses=ADDRESSES,
        service_files=ServiceFiles(Path("/nowhere"), inline_limit=0),
        wire_format=a_version(),
    )

    document = b"".join(resource_list(publication, everything, Selection()))

    assert document.count(SHORT) == 1
    assert b"<x:xd" not in document
