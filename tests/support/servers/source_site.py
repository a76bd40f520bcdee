"""A source server under test: the real application on a real web server, over values in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from shared.model.entities import Entity
from shared.model.ids import Code, Identifier, PermId
from shared.model.kinds import Kind
from shared.passwords import hash_password, verify_password
from source_server.publication.catalogue import Scope
from source_server.settings import SourceSettings
from source_server.users.sign_in import DirectoryAuthenticator
from source_server.web.app import create_app
from tests.support.instances.builders import an_entity
from tests.support.instances.memory_catalogue import MemoryCatalogue, content_of
from tests.support.servers.web_server import serving

DATA_SET = PermId("20240110090000077-77")
SAMPLE = PermId("20240110090000055-55")
PASSWORD = "pä:ss wörd€"
# Paths of files that need care in an address.
NAMES = ("original/a b+c%41.txt", "original/q?u#ot\u00e9.bin", "original/x&y=z;1.dat")


@cache
def _hash(password: str) -> str:
    return hash_password(password)


class Passwords:
    """A directory of users in memory."""

    def __init__(self, **passwords: str) -> None:
        self.hashes = {user: _hash(password) for user, password in passwords.items()}

    def password_hash(self, user_id: str) -> str | None:
        return self.hashes.get(user_id)

    def verify(self, stored: str, password: str) -> bool:
        return verify_password(stored, password)


def entities() -> list[Entity]:
    """Spaces ALPHA (with a bit of everything) and BETA, and a shared sample."""
    return [
        an_entity(Kind.SPACE, code="ALPHA"),
        an_entity(Kind.SPACE, code="BETA"),
        an_entity(Kind.PROJECT, 3, code="KITCHEN"),
        an_entity(Kind.PROJECT, 4, code="SECRET", space=Code("BETA")),
        an_entity(
            Kind.SAMPLE,
            55,
            perm_id=SAMPLE,
            code="CAKE",
            properties={"NOTES": '<img src="/openbis/openbis/file-service/eln/a+b é.png">'},
        ),
        an_entity(Kind.SAMPLE, 56, code="SHARED", space=None),
        an_entity(Kind.DATA_SET, 77, perm_id=DATA_SET, sample=Identifier("/ALPHA/CAKE")),
    ]


def a_catalogue(**fields: Any) -> MemoryCatalogue:
    """mira sees ALPHA, ada all, otto only BETA; nobody has no role."""
    alpha, beta = Code("ALPHA"), Code("BETA")
    files = {(DATA_SET, name): content_of(name.encode() * 3) for name in NAMES} | {
        (DATA_SET, "original/hello.txt"): content_of(b"0123456789"),
        (DATA_SET, "original/empty"): content_of(b"", modified=None),
        ("SAMPLE", SAMPLE, "re/cipe+1%.txt", 2): content_of(b"eggs"),
        ("eln/a+b é.png",): content_of(b"picture"),
    }
    values: dict[str, Any] = {
        "stored": entities(),
        "files": files,
        "scopes": {
            "mira": Scope(spaces=frozenset({alpha})),
            "ada": Scope(spaces=frozenset({alpha, beta})),
            "otto": Scope(spaces=frozenset({beta})),
        },
    }
    return MemoryCatalogue(**values | fields)


@contextmanager
def a_site(
    catalogue: MemoryCatalogue | None = None, passwords: Passwords | None = None, **settings: Any
) -> Iterator[httpx.Client]:
    """A client of a running source server, signed in as mira."""
    everybody = dict.fromkeys(("mira", "ada", "otto", "nobody"), PASSWORD)
    authenticator = DirectoryAuthenticator([passwords or Passwords(**everybody)])
    app = create_app(catalogue or a_catalogue(), authenticator, SourceSettings(**settings))
    with (
        serving(app) as url,
        httpx.Client(base_url=url, auth=("mira", PASSWORD), timeout=30) as client,
    ):
        yield client


def write_service_file(root: Path, path: str, content: bytes) -> None:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
