"""A source that serves what it is given, a destination, and what becomes of one list in it."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from typing import Any

import httpx

from harvester.execution.one_section import execute_section
from harvester.runs.destination import Destination
from harvester.runs.job import RunOptions
from harvester.settings.chosen import choose
from harvester.settings.section import SectionSettings
from shared.errors import SyncError
from shared.resourcesync.terms import RS, SITEMAP
from shared.store.engine import open_store
from tests.fuzz.mutations import Mutated
from tests.support.instances.full_instance import a_full_instance
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import PASSWORD, USER, Instance

_RE_SYNC = "/datastore_server/re-sync"
_PARTS = (b"/part-1", b"/part-2")


@dataclass(slots=True)
class Source:
    """``documents`` are valid lists: ours, as the two versions of the original write them, and an
    index of parts."""

    url: str = ""
    documents: tuple[bytes, ...] = ()
    files: dict[str, bytes] = field(default_factory=dict)
    shown: Mutated = field(default_factory=lambda: Mutated(body=b"", encoding=""))

    def answer(self, path: str) -> tuple[int, bytes, str]:
        if path.startswith((_RE_SYNC, "/part-")):
            return 200, self.shown.body, self.shown.encoding
        if path in self.files:
            return 200, self.files[path], ""
        return 404, b"nothing here", ""


@contextmanager
def fuzzed_source(folder: Path) -> Iterator[Source]:
    source = Source()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, body, encoding = source.answer(self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if encoding:
                self.send_header("Content-Encoding", encoding)
            self.end_headers()
            self.wfile.write(body)

        def handle(self) -> None:
            with suppress(ConnectionError):  # a harvester leaves what it does not want
                super().handle()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        source.url = f"http://127.0.0.1:{server.server_address[1]}"
        _fill(source, folder)
        yield source
        server.shutdown()


def _fill(source: Source, folder: Path) -> None:
    """With what a real source server says of a small instance that has everything."""
    instance = Instance.create(folder)
    a_full_instance(instance)
    with instance.served() as url, httpx.Client(auth=(USER, PASSWORD)) as client:
        ours = client.get(f"{url}{_RE_SYNC}?verb=resourcelist.xml").content
        for href in re.findall(rb' href="([^"]*/datastore_server/[^"]*)"', ours):
            address = href.decode().replace("&amp;", "&")
            source.files[address.removeprefix(url)] = client.get(address).content
    instance.engine.dispose()
    ours = ours.replace(url.encode(), source.url.encode())
    second = _second(ours)
    source.documents = (ours, second, _first(second), _index(source.url))


def _second(ours: bytes) -> bytes:
    """Without what we add."""
    plain = re.sub(rb"<x:version [^>]*/>", b"", ours)
    plain = re.sub(rb'(<x:fileNode [^>]*?) href="[^"]*"', rb"\1", plain)
    return re.sub(rb' checksum="SHA256:[^"]*"', b"", plain)


def _first(second: bytes) -> bytes:
    """With another form of times, and definitions between the entities."""
    entries = re.findall(rb"<url>.*?</url>", second, re.DOTALL)
    head = second.partition(b"<url>")[0]
    moved = [*entries[1:4], entries[0], *entries[4:]]
    return (head + b"".join(moved) + b"</urlset>").replace(b"Z</lastmod>", b"+00:00</lastmod>")


def _index(url: str) -> bytes:
    parts = b"".join(
        b"<sitemap><loc>%s%s</loc></sitemap>" % (url.encode(), part) for part in _PARTS
    )
    names = f'xmlns="{SITEMAP}" xmlns:rs="{RS}"'.encode()
    return b"<?xml version='1.0'?><sitemapindex %s>%s</sitemapindex>" % (names, parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fuzzed:
    """A section, its source and its destination."""

    source: Source
    section: SectionSettings
    destination: Destination


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """``seconds`` of a processor; ``crash`` says what went wrong if the program did not mean it."""

    verdict: str
    seconds: float
    crash: str = ""


@contextmanager
def a_destination(folder: Path, source: Source, random: Random) -> Iterator[Fuzzed]:
    """With settings that vary."""
    harvest = Harvest(folder)
    harvest.section(
        "DS1",
        source.url,
        retry_pauses=",",
        deletion_allowed=random.choice(("true", "false")),
        max_deletions=random.choice(("100%", "1, 10%")),
        max_failed_records=random.choice(("100%", "1%")),
        master_data_update_allowed=random.choice(("true", "false")),
        translate_using_data_source_alias=random.choice(("true", "false")),
        full_sync=random.choice(("true", "false")),
        full_sync_interval="0",
        data_source_openbis_url=source.url,
        tls_verify="false",  # there is none; the system's authorities take long to load
    )
    harvest.init()
    chosen = choose(harvest.root / "harvester.properties", ["DS1"])
    engine = open_store(chosen.settings.database_url.get_secret_value())
    destination = Destination(engine=engine, settings=chosen.settings)
    yield Fuzzed(source=source, section=chosen.sections[0], destination=destination)
    engine.dispose()
    harvest.instance.engine.dispose()


def harvested(fuzzed: Fuzzed, shown: Mutated, *, released: bool = False) -> Outcome:
    """A run of the section with this list: both passes, into the store."""
    fuzzed.source.shown = shown
    begun = time.process_time()
    asked = RunOptions(deletions_confirmed=released)
    report = execute_section(fuzzed.section, fuzzed.destination, asked)
    seconds = time.process_time() - begun
    crash = ""
    if report.error is not None and not isinstance(report.error, SyncError):
        crash = repr(report.error)
    if type(report.error) is SyncError:  # the database, or the data store: not for a list to cause
        crash = f"SyncError: {report.error}"
    return Outcome(verdict=str(report.verdict), seconds=seconds, crash=crash)
