"""The application file service: sign-in, listings, checksums and pieces of files, in the forms that
harvesters of openBIS 7 know."""

from __future__ import annotations

import hashlib
import json
import struct
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request

from shared.errors import ConfigError
from shared.model.entities import Entity, FileNode
from shared.model.ids import Code, Identifier, PermId
from shared.model.kinds import Kind
from shared.model.unknown import Part, Reason, Unknown
from source_server.publication.catalogue import Scope
from source_server.settings import SourceSettings
from source_server.users.sign_in import DirectoryAuthenticator
from source_server.web.afs.files import AfsFiles
from source_server.web.afs.opening import opened_afs
from source_server.web.app import create_app
from tests.support.instances.builders import MODIFIED, an_entity
from tests.support.instances.memory_catalogue import MemoryCatalogue, content_of
from tests.support.servers.source_site import (
    DATA_SET,
    PASSWORD,
    SAMPLE,
    Passwords,
    a_catalogue,
    entities,
)
from tests.support.servers.web_server import serving

AFS_URL = "https://lab.example.org:8085/afs-server"
API = "/afs-server/api"
SINCE = datetime(2026, 3, 5, 9, 14, 7, 123000, tzinfo=UTC)
AT, USUAL = round(SINCE.timestamp() * 1000), round(MODIFIED.timestamp() * 1000)
CONTENTS = {"top.txt": b"0123456789", "run 1/a+b.csv": b"hello world", "run 1/sub/empty": b""}


def an_afs_catalogue(unknown: tuple[Unknown, ...] = ()) -> MemoryCatalogue:
    """AFS data of the sample CAKE in the space ALPHA; one checksum is known. No file is listed if
    something is unknown."""
    known = f"MD5:{'AB' * 16}"
    files = tuple(
        FileNode(
            path=path,
            length=len(content),
            modified=SINCE if path == "top.txt" else None,
            checksum=known if path.endswith("empty") else None,
        )
        for path, content in CONTENTS.items()
    )
    data = an_entity(
        Kind.DATA_SET,
        perm_id=SAMPLE,
        type=Code("AFS_DATA"),
        sample=Identifier("/ALPHA/CAKE"),
        is_afs=True,
        files=() if unknown else files,
        empty_folders=("bare/folder",),
        unknown=unknown,
    )
    catalogue = a_catalogue()
    held = {(SAMPLE, path): content_of(content) for path, content in CONTENTS.items()}
    return a_catalogue(stored=[*entities(), data], files={**catalogue.files, **held})


@contextmanager
def a_service(unknown: tuple[Unknown, ...] = (), **settings: Any) -> Iterator[httpx.Client]:
    read = SourceSettings(**({"afs_url": AFS_URL} | settings))
    everybody = dict.fromkeys(("mira", "otto", "nobody"), PASSWORD)
    authenticator = DirectoryAuthenticator([Passwords(**everybody)])
    catalogue = an_afs_catalogue(unknown)
    with opened_afs(read, catalogue, authenticator) as afs:
        app = create_app(catalogue, authenticator, read, beside=afs)
        with serving(app) as url, httpx.Client(base_url=url, timeout=30) as client:
            yield client


@pytest.fixture(scope="module")
def service() -> Iterator[httpx.Client]:
    with a_service() as client:
        yield client


def signed_in(service: httpx.Client, user_id: str = "mira", password: str = PASSWORD) -> str:
    form = {"method": "login", "userId": user_id, "password": password}
    answer = service.post(API, data=form)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain")
    return answer.text


@pytest.fixture(scope="module")
def token(service: httpx.Client) -> str:
    return signed_in(service)


def called(
    service: httpx.Client, token: str, method: str, source: str = "/", owner: str = SAMPLE
) -> httpx.Response:
    wanted = {"method": method, "owner": owner, "source": source, "recursively": "true"}
    return service.get(API, params={**wanted, "sessionToken": token})


def error_of(answer: httpx.Response) -> str:
    assert answer.status_code == 400
    assert answer.json().keys() == {"id", "result", "error"}
    assert answer.json()["result"] is None
    return str(answer.json()["error"])


def line(path: str, size: int | None, modified: int) -> str:
    name, is_folder = path.rpartition("/")[2], str(size is None).lower()
    return f"{SAMPLE}\t{path}\t{name}\t{is_folder}\t{'' if size is None else size}\t{modified}"


def test_a_listing_has_all_files_and_folders(service: httpx.Client, token: str) -> None:
    answer = called(service, token, "list")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.text.split("\n") == [
        line("/bare", None, USUAL),
        line("/bare/folder", None, USUAL),
        line("/run 1", None, USUAL),
        line("/run 1/a+b.csv", 11, USUAL),
        line("/run 1/sub", None, USUAL),
        line("/run 1/sub/empty", 0, USUAL),
        line("/top.txt", 10, AT),
    ]


@pytest.mark.parametrize(
    ("source", "recursively", "paths"),
    [
        ("/", "false", ["/bare", "/run 1", "/top.txt"]),
        ("", "no", ["/bare", "/run 1", "/top.txt"]),
        ("/run 1", "false", ["/run 1/a+b.csv", "/run 1/sub"]),
        ("/run 1/", "TRUE", ["/run 1/a+b.csv", "/run 1/sub", "/run 1/sub/empty"]),
        ("/top.txt", "true", ["/top.txt"]),
        ("/bare/folder", "true", []),
    ],
)
def test_a_part_is_listed(
    service: httpx.Client, token: str, source: str, recursively: str, paths: list[str]
) -> None:
    wanted = {"method": "list", "owner": SAMPLE, "source": source, "recursively": recursively}
    answer = service.get(API, params={**wanted, "sessionToken": token})
    assert answer.status_code == 200
    assert [row.split("\t")[1] for row in answer.text.splitlines()] == paths


def test_a_checksum_is_computed_unless_it_is_known(service: httpx.Client, token: str) -> None:
    digest = hashlib.md5(b"hello world", usedforsecurity=False).hexdigest()
    assert [called(service, token, "hash", "/run 1/a+b.csv").text for _ in range(2)] == [digest] * 2
    assert called(service, token, "hash", "/run 1/sub/empty").text == "ab" * 16
    # a plus that openBIS's own client does not encode
    raw = f"method=hash&owner={SAMPLE}&source=/run%201/a+b.csv&sessionToken={token}"
    assert service.get(f"{API}?{raw}").text == digest


@pytest.mark.parametrize(
    ("method", "owner", "source"),
    [
        *(("list", SAMPLE, "/nowhere"), ("list", SAMPLE, "/../x"), ("hash", SAMPLE, "/run 1")),
        *(("hash", SAMPLE, "/"), ("hash", SAMPLE, "/top.txt/x"), ("list", "1-1", "/")),
        *(("list", DATA_SET, "/"), ("hash", DATA_SET, "/original/hello.txt")),
    ],
)
def test_what_is_not_there_is_named_as_clients_expect(
    service: httpx.Client, token: str, method: str, owner: str, source: str
) -> None:
    assert "NoSuchFileException" in error_of(called(service, token, method, source, owner))


def request_of(*chunks: tuple[str, str, int, int]) -> bytes:
    parts = [struct.pack(">i", len(chunks))]
    for owner, path, offset, limit in chunks:
        parts += [sized(owner), sized(path), struct.pack(">qii", offset, limit, 0)]
    return b"".join(parts)


def sized(text: str) -> bytes:
    return struct.pack(">i", len(text.encode())) + text.encode()


def read(service: httpx.Client, token: str, body: bytes) -> httpx.Response:
    query = {"method": "read", "sessionToken": token}
    headers = {"content-type": "application/octet-stream"}
    return service.post(API, params=query, content=body, headers=headers)


def test_pieces_of_files_are_read(service: httpx.Client, token: str) -> None:
    wanted = [
        (SAMPLE, "/top.txt", 2, 3),
        (SAMPLE, "/run 1/a+b.csv", 0, 11),
        (SAMPLE, "/run 1/sub/empty", 0, 0),
    ]
    answer = read(service, token, request_of(*wanted))
    assert answer.status_code == 200
    expected = struct.pack(">i", 3)
    for chunk, data in zip(wanted, (b"234", b"hello world", b""), strict=True):
        without_count_and_data = request_of(chunk)[4:-4]
        expected += without_count_and_data + struct.pack(">i", len(data)) + data
    assert answer.content == expected


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (request_of((SAMPLE, "/top.txt", 5, 6)), "beyond its end"),
        (request_of((SAMPLE, "/top.txt", 2**62, 1)), "beyond its end"),
        (request_of((SAMPLE, "/top.txt", -1, 1)), "negative"),
        (request_of((SAMPLE, "/top.txt", 0, 10 << 20), (SAMPLE, "/top.txt", 0, 1)), "at most"),
        (request_of((SAMPLE, "/nowhere", 0, 1)), "NoSuchFileException"),
        (request_of((DATA_SET, "/original/hello.txt", 0, 1)), "NoSuchFileException"),
        (request_of((SAMPLE, "/top.txt", 0, 1))[:-1], "no array of chunks"),
        (request_of((SAMPLE, "/top.txt", 0, 1)) + b"x", "no array of chunks"),
        (b"", "no array of chunks"),
        (struct.pack(">i", 2**31 - 1), "no array of chunks"),
        (struct.pack(">ii", 1, -2), "no array of chunks"),
        (struct.pack(">ii", 1, 2) + b"\xff\xff", "no array of chunks"),
        (b"x" * (1 << 20 | 1), "larger than"),
    ],
)
def test_what_cannot_be_read_is_refused(
    service: httpx.Client, token: str, body: bytes, error: str
) -> None:
    assert error in error_of(read(service, token, body))


def test_only_who_may_see_the_owner_may_read(service: httpx.Client) -> None:
    other = signed_in(service, "otto")
    assert "NoSuchFileException" in error_of(called(service, other, "list"))
    assert "NoSuchFileException" in error_of(called(service, other, "hash", "/top.txt"))
    body = request_of((SAMPLE, "/top.txt", 0, 1))
    assert "NoSuchFileException" in error_of(read(service, other, body))


def test_a_user_without_a_role_cannot_log_in(service: httpx.Client) -> None:
    form = {"method": "login", "userId": "nobody", "password": PASSWORD}
    assert "no role" in error_of(service.post(API, data=form))


def test_a_session_ends_with_a_logout(service: httpx.Client) -> None:
    token = signed_in(service)

    def is_valid() -> str:
        query = {"method": "isSessionValid", "sessionToken": token}
        return service.get(API, params=query).text

    assert is_valid() == "true"
    assert service.post(API, params={"method": "logout", "sessionToken": token}).text == "true"
    assert is_valid() == "false"
    assert "session token" in error_of(called(service, token, "list"))
    assert "session token" in error_of(called(service, "", "list"))


@pytest.mark.parametrize(
    ("http", "parameters", "error"),
    [
        ("GET", {"method": "login", "userId": "mira", "password": PASSWORD}, "no method"),
        ("GET", {}, "no method"),
        ("POST", {"method": "write"}, "no method"),
        ("POST", {"method": "login", "userId": "mira"}, "password"),
        ("POST", {"method": "login", "userId": "mira", "password": "wrong"}, "not right"),
        ("GET", {"method": "list", "owner": SAMPLE}, "sessionToken"),
    ],
)
def test_calls_that_make_no_sense_are_refused(
    service: httpx.Client, http: str, parameters: dict[str, str], error: str
) -> None:
    assert error in error_of(service.request(http, API, params=parameters))


def test_passwords_can_be_guessed_some_times_only() -> None:
    form = {"method": "login", "userId": "mira", "password": "wrong"}
    with a_service(max_guesses=2) as service:
        codes = [service.post(API, data=form).status_code for _ in range(3)]
    assert codes == [400, 400, 429]


def test_files_that_cannot_be_seen_now_are_not_taken_for_deleted() -> None:
    away = Unknown(part=Part.FILES, reason=Reason.NOT_MOUNTED)
    with a_service((away,)) as service:
        token = signed_in(service)
        for answer in (called(service, token, "list"), called(service, token, "hash", "/x.txt")):
            assert answer.status_code == 503
            assert "not all files can be listed now (not-mounted)" in answer.text
        assert read(service, token, request_of((SAMPLE, "/top.txt", 2, 3))).status_code == 200


def test_the_lists_are_served_beside_it(service: httpx.Client) -> None:
    auth = ("mira", PASSWORD)
    assert service.get("/datastore_server/re-sync", auth=auth).status_code == 200
    assert service.get("/afs-server", auth=auth).status_code == 404


@pytest.mark.parametrize("url", ["https://h", "https://h/", "https://h/datastore_server"])
def test_an_address_without_a_path_of_its_own_is_a_fault(url: str) -> None:
    with pytest.raises(ConfigError, match="afs-url"), a_service(afs_url=url):
        pass


def test_without_the_setting_there_is_no_such_service() -> None:
    with a_service(afs_url=None) as service:
        assert service.get(API, params={"method": "list"}).status_code == 404


@contextmanager
def an_application_server(answer: Callable[[str], object]) -> Iterator[tuple[str, list[str]]]:
    """Its address, and the tokens that it was asked for."""
    asked: list[str] = []
    app = FastAPI()

    async def api(request: Request) -> object:
        call = json.loads(await request.body())
        assert call["method"] == "getSessionInformation"
        asked.extend(call["params"])
        return {"jsonrpc": "2.0", "id": call["id"], **answer(call["params"][0])}  # type: ignore[dict-item]

    path = "/openbis/openbis/rmi-application-server-v3.json"
    app.add_api_route(path, api, methods=["POST"], response_model=None)
    with serving(app) as url:
        yield f"{url}/openbis", asked


def test_a_session_of_the_application_server_is_taken() -> None:
    def answer(token: str) -> object:
        if token == "right":
            return {"result": {"userName": "mira", "sessionToken": token}}
        return {"error": {"code": 0, "message": "Session token 'x' is invalid"}}

    with (
        an_application_server(answer) as (url, asked),
        a_service(application_server_url=url, max_guesses=2) as service,
    ):
        lists = [called(service, "right", "list").status_code for _ in range(3)]
        assert lists == [200] * 3
        assert asked == ["right"]
        own = signed_in(service)
        assert called(service, own, "list").status_code == 200
        wrong = [called(service, f"wrong{n}", "list").status_code for n in range(5)]
        assert wrong == [400, 400, 400, 400, 429]
        assert called(service, "right", "list").status_code == 200


def test_an_application_server_that_does_not_answer_makes_clients_wait() -> None:
    with a_service(application_server_url="http://127.0.0.1:9/openbis") as service:
        answer = called(service, "token", "list")
    assert answer.status_code == 503
    assert "application-server-url" in answer.text
    assert "token" not in answer.text


class Text(str):
    """A text of which can be said whether it is held."""


def test_the_files_of_an_owner_are_not_held_for_long() -> None:
    now, held = [0.0], []

    class Read(MemoryCatalogue):
        def data_set(self, code: Code, scope: Scope) -> Entity | None:
            if (found := super().data_set(code, scope)) is None:
                return None
            text = Text(code)
            held.append(weakref.ref(text))
            return replace(found, description=text)

    known = an_afs_catalogue()
    (data,) = (e for e in known.stored if e.is_afs)
    other = replace(data, perm_id=PermId("other"), code=Code("other"))
    large = replace(data, perm_id=PermId("large"), code=Code("large"), files=data.files * 70_000)
    files = AfsFiles(Read(stored=[*known.stored, other, large]), clock=lambda: now[0])
    scope = Scope(spaces=frozenset({Code("ALPHA")}))

    def asked(*owners: str) -> list[str | None]:
        """The owners that are held after that."""
        for owner in owners:
            files.md5(owner, "/run 1/sub/empty", scope)
        return [each() for each in held if each() is not None]

    assert asked(SAMPLE, "other", SAMPLE) == [SAMPLE, "other"]
    now[0] += 11
    assert asked("other") == ["other"]
    assert asked("large") == ["large"]
    assert asked(SAMPLE) == [SAMPLE]
