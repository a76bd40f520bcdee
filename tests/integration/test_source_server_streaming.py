"""How a resource list flows: first bytes at once, little memory, and never a false end."""

from __future__ import annotations

import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from shared.errors import SyncError
from shared.model.entities import Entity
from shared.model.ids import Code
from shared.model.kinds import Kind
from shared.resourcesync.v20.version import V20
from source_server.publication.catalogue import Scope
from source_server.publication.published import Publication, everything
from source_server.publication.resource_list import resource_list
from source_server.publication.selection import Selection
from source_server.publication.service_files import ServiceFiles
from source_server.settings import SourceSettings
from source_server.web import streaming
from tests.support.instances.builders import an_entity
from tests.support.instances.memory_catalogue import MemoryCatalogue
from tests.support.servers.source_site import DATA_SET, a_catalogue, a_site

LIST = "/datastore_server/re-sync/?verb=resourcelist.xml"


@dataclass(kw_only=True)
class Making(MemoryCatalogue):
    """Samples that are made when they are read, all visible to mira."""

    make: Callable[[], Iterator[Entity]]
    scopes: Mapping[str, Scope] = field(default_factory=lambda: a_catalogue().scopes)

    def entities_of(self, kind: Kind) -> Iterator[Entity]:
        return self.make() if kind is Kind.SAMPLE else iter(())


def samples(count: int) -> Iterator[Entity]:
    for number in range(count):
        yield an_entity(Kind.SAMPLE, number, properties={"NOTES": "blah " * 50})


def breaking_off() -> Iterator[Entity]:
    yield from samples(2_000)
    raise RuntimeError("the database has gone")


@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_a_list_that_breaks_off_never_looks_whole(coding: str) -> None:
    catalogue = Making(make=breaking_off)
    received = bytearray()

    def receive(client: httpx.Client) -> None:
        with client.stream("GET", LIST, headers={"Accept-Encoding": coding}) as answer:
            for block in answer.iter_raw():
                received.extend(block)

    with a_site(catalogue) as client:
        with pytest.raises(httpx.RemoteProtocolError):
            receive(client)
        assert client.get("/datastore_server/re-sync").status_code == 200

    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
    text = unpacker.decompress(received) if coding == "gzip" else bytes(received)
    assert text.startswith(b"<?xml")
    assert b"</urlset>" not in text
    assert not unpacker.eof
    assert catalogue.open_snapshots == 0


def test_what_fails_before_the_first_byte_is_an_error_and_tells_no_secrets() -> None:
    class Closed(MemoryCatalogue):
        def snapshot(self) -> None:  # type: ignore[override]
            raise RuntimeError("password=hunter2")

    values = a_catalogue()
    with a_site(Closed(scopes=values.scopes)) as client:
        answer = client.get(LIST)

    assert answer.status_code == 500
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert "hunter2" not in answer.text


def test_what_was_raised_on_purpose_tells_the_reason() -> None:
    class Old(MemoryCatalogue):
        def snapshot(self) -> None:  # type: ignore[override]
            raise SyncError("schema 40 is too old; upgrade openBIS")

    with a_site(Old(scopes=a_catalogue().scopes)) as client:
        answer = client.get(LIST)

    assert answer.status_code == 500
    assert answer.text == "schema 40 is too old; upgrade openBIS\n"


@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_the_first_bytes_come_before_the_first_entity_is_read(coding: str) -> None:
    may_read = threading.Event()

    def waiting() -> Iterator[Entity]:
        assert may_read.wait(30)
        yield from samples(3)

    catalogue = Making(make=waiting)
    with (
        a_site(catalogue) as client,
        client.stream("GET", LIST, headers={"Accept-Encoding": coding}) as answer,
    ):
        parts = answer.iter_bytes()
        first = next(parts)
        may_read.set()
        rest = b"".join(parts)

    assert b'capability="resourcelist"' in first
    assert rest.count(b"<x:xd") == 3
    assert rest.endswith(b"</urlset>")


def test_a_client_that_leaves_lets_go_of_the_snapshot() -> None:
    catalogue = Making(make=lambda: samples(1_000_000))
    with a_site(catalogue) as client:
        with client.stream("GET", LIST, headers={"Accept-Encoding": "identity"}) as answer:
            next(answer.iter_raw())
            held = catalogue.open_snapshots
        left = eventually(lambda: catalogue.open_snapshots == 0)

    assert held == 1
    assert left


def test_a_client_that_takes_nothing_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "PATIENCE", 0.2)
    catalogue = Making(make=lambda: samples(1_000_000))
    with (
        a_site(catalogue) as client,
        client.stream("GET", LIST, headers={"Accept-Encoding": "identity"}) as answer,
    ):
        blocks = answer.iter_raw()
        next(blocks)
        let_go = eventually(lambda: catalogue.open_snapshots == 0)
        with pytest.raises(httpx.HTTPError):
            list(blocks)

    assert let_go


def test_a_file_that_shrinks_while_it_is_sent_does_not_look_whole(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x" * 20_000_000)
    content = a_catalogue().files[DATA_SET, "original/empty"]
    shrinking = type(content)(length=20_000_000, etag="x", path=file)
    with (
        a_site(a_catalogue(files={(DATA_SET, "f"): shrinking})) as client,
        client.stream("GET", f"/datastore_server/{DATA_SET}/f") as answer,
    ):
        blocks = answer.iter_raw()
        next(blocks)
        with file.open("r+b") as opened:
            opened.truncate(10)
        with pytest.raises(httpx.RemoteProtocolError):
            list(blocks)


def eventually(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 60
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.02)
    return holds()


def peak_of(count: int) -> int:
    """Bytes at most in use while a list of so many samples is written."""
    catalogue = Making(make=lambda: samples(count))
    publication = Publication(
        catalogue=catalogue,
        addresses=SourceSettings().addresses,
        service_files=ServiceFiles(Path("/nowhere"), inline_limit=0),
        wire_format=V20,
    )
    tracemalloc.start()
    scope = Scope(spaces=frozenset({Code("ALPHA")}))
    chunks = resource_list(publication, lambda _: scope, Selection())
    size = sum(len(chunk) for chunk in chunks)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size > count * 600
    return peak


def test_memory_does_not_grow_with_the_list() -> None:
    peak_of(10)  # fills caches

    assert peak_of(20_000) < 1.2 * peak_of(5_000)  # both are sent in several chunks


def test_an_operator_sees_everything() -> None:
    with a_catalogue().snapshot() as snapshot:
        assert everything(snapshot) == Scope(spaces=frozenset({Code("ALPHA"), Code("BETA")}))
