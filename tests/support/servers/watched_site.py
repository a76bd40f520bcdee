"""A source server whose politeness, clock and metrics a test can look into."""

from __future__ import annotations

import base64
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from shared.model.entities import Entity
from shared.model.ids import Code
from shared.model.kinds import Kind
from source_server.publication.catalogue import Scope
from source_server.settings import SourceSettings
from source_server.users.sign_in import DirectoryAuthenticator
from source_server.web.app import create_app
from source_server.web.list_limits import ListLimits, Rules
from source_server.web.metrics import Metrics
from tests.support.instances.builders import an_entity
from tests.support.instances.memory_catalogue import MemoryCatalogue
from tests.support.servers.source_site import PASSWORD, Passwords, a_catalogue
from tests.support.servers.web_server import serving

RE_SYNC = "/datastore_server/re-sync"
LIST = f"{RE_SYNC}/?verb=resourcelist.xml"
USERS = ("mira", "ada", "otto")


def scopes() -> dict[str, Scope]:
    """Everybody sees what is made."""
    return dict.fromkeys(USERS, Scope(spaces=frozenset({Code("ALPHA")})))


def far_too_many() -> Iterator[Entity]:
    """Far more than the buffers between a server and its client hold."""
    for number in range(500_000):
        yield an_entity(Kind.SAMPLE, number, properties={"NOTES": "blah " * 50})


class Slow(MemoryCatalogue):
    """Samples that are made when they are read."""

    make: Callable[[], Iterator[Entity]] = staticmethod(far_too_many)

    def entities_of(self, kind: Kind) -> Iterator[Entity]:
        return self.make() if kind is Kind.SAMPLE else iter(())


def slow() -> Slow:
    return Slow(scopes=scopes())


@dataclass
class Clock:
    """Seconds since the test began."""

    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds


@dataclass(frozen=True, kw_only=True)
class Begun:
    """An answer of which only the beginning was taken."""

    status_code: int
    blocks: Iterator[bytes]


@dataclass(frozen=True, kw_only=True)
class Site:
    """A running server, and what it knows. To be asked for numbers when the server has stopped:
    a client may have its last byte a moment before the server has counted it."""

    url: str
    politeness: ListLimits
    clock: Clock
    metrics: Metrics
    catalogue: MemoryCatalogue

    def get(
        self, path: str = LIST, *, user: str = "mira", password: str = PASSWORD, **options: Any
    ) -> httpx.Response:
        method = options.pop("method", "GET")
        return httpx.request(method, self.url + path, auth=(user, password), timeout=30, **options)

    @contextmanager
    def receiving(self, user: str = "mira", path: str = LIST) -> Iterator[Begun]:
        """A client that has the first bytes of a list, and takes no more of it meanwhile."""
        plain = {"Accept-Encoding": "identity"}
        with (
            httpx.Client(auth=(user, PASSWORD), timeout=30) as client,
            client.stream("GET", self.url + path, headers=plain) as answer,
        ):
            blocks = answer.iter_raw()
            next(blocks)
            yield Begun(status_code=answer.status_code, blocks=blocks)

    @contextmanager
    def raw_request(self) -> Iterator[socket.socket]:
        """A connection on which a list has been asked for; in the end it is simply closed."""
        host, port = self.url.removeprefix("http://").split(":")
        token = base64.b64encode(f"mira:{PASSWORD}".encode()).decode()
        head = f"GET {LIST} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Basic {token}\r\n\r\n"
        with socket.create_connection((host, int(port)), timeout=30) as connection:
            connection.sendall(head.encode())
            yield connection

    def becomes_idle(self) -> bool:
        """Whether no list is being sent any more, soon."""
        deadline = time.monotonic() + 60
        while self.politeness.lists and time.monotonic() < deadline:
            time.sleep(0.02)
        return self.politeness.lists == 0

    @property
    def exposition(self) -> str:
        registry = CollectorRegistry()
        registry.register(self.metrics)
        return generate_latest(registry).decode()

    @property
    def series(self) -> dict[str, float]:
        return series_of(self.exposition)


def series_of(exposition: str) -> dict[str, float]:
    """Values by ``name{label,label}``: without our prefix, the values of labels by their names."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(exposition):
        for sample in family.samples:
            labels = ",".join(value for _, value in sorted(sample.labels.items()))
            name = sample.name.removeprefix("openbis_sync_source_")
            found[f"{name}{{{labels}}}" if labels else name] = sample.value
    return found


@contextmanager
def a_site(catalogue: MemoryCatalogue | None = None, **keys: Any) -> Iterator[Site]:
    """A server with these settings; mira, ada and otto may sign in."""
    settings, clock = SourceSettings(**keys), Clock()
    published = catalogue or a_catalogue()
    politeness = ListLimits(Rules.of(settings), clock=clock)
    metrics = Metrics(lists=lambda: politeness.lists)
    app = create_app(
        published,
        DirectoryAuthenticator([Passwords(**dict.fromkeys(USERS, PASSWORD))]),
        settings,
        politeness=politeness,
        metrics=metrics,
    )
    with serving(app) as url:
        yield Site(
            url=url, politeness=politeness, clock=clock, metrics=metrics, catalogue=published
        )
