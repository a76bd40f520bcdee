"""How requests are taken in and rows given out."""

from __future__ import annotations

import json
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.opendcim.connectors import PATH, TOKEN, Asking, a_connector, write_elements
from tests.opendcim.invented_opendcim import InventedOpenDcim, a_device, slowly
from tests.support.servers.web_server import serving

ONE = {"Id": "r-1", "Elements": ["1/1"]}


@pytest.fixture
def opendcim(tmp_path: Path) -> InventedOpenDcim:
    write_elements(tmp_path, {"1/1": "enc-1", "1/2": "enc-2"})
    return InventedOpenDcim(devices=[a_device(1, "enc-1"), a_device(2, "enc-2")])


@contextmanager
def asking(tmp_path: Path, opendcim: InventedOpenDcim, **keys: object) -> Iterator[Asking]:
    with serving(opendcim) as url, a_connector(tmp_path, url, **keys) as connector:
        yield connector


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> dict[str, str]:
    if request.param == "sqlite":
        return {}
    return {"opendcim_connector_database_url": request.getfixturevalue("postgres_url")}


def error(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/json"
    return answer.status_code, answer.json()["Error"]["Code"]


def test_a_request_is_pending_then_completed(
    tmp_path: Path, opendcim: InventedOpenDcim, database: dict[str, str]
) -> None:
    opendcim.trouble = slowly(0.3)
    with asking(tmp_path, opendcim, **database) as connector:
        posted = connector.post(ONE)
        row = connector.finished("r-1")
        shown = connector.one("r-1")

    assert posted.status_code == 202
    assert posted.headers["location"] == f"{PATH}/r-1"
    assert posted.headers["retry-after"] == "1"
    assert posted.json()["Status"] == "Pending"
    assert posted.json()["Finished"] is None
    assert (row["Status"], row["Error"]) == ("Completed", None)
    assert row["Received"] < row["Finished"]
    assert shown.headers["cache-control"] == "no-store"


def test_the_same_again_is_the_same_row(
    tmp_path: Path, opendcim: InventedOpenDcim, database: dict[str, str]
) -> None:
    with asking(tmp_path, opendcim, **database) as connector:
        row = connector.answer("1/1")
        calls = len(opendcim.calls)
        again = connector.post({"requestID": "r-1", "ElementData": [{"DMAID": "1", "EID": 1}]})

    assert (again.status_code, again.json()) == (200, row)
    assert len(opendcim.calls) == calls


@pytest.mark.parametrize(
    "other",
    [
        {"Elements": ["1/2"]},
        {"Elements": ["1/1", "1/1"]},
        {"Elements": ["1/1"], "Include": ["Device"]},
        {"Elements": ["1/1"], "TimeoutSeconds": 5},
        {"Elements": []},
    ],
)
def test_the_same_id_with_other_content_is_refused(
    tmp_path: Path, opendcim: InventedOpenDcim, other: dict[str, Any]
) -> None:
    with asking(tmp_path, opendcim) as connector:
        row = connector.answer("1/1")
        refused = connector.post({"Id": "r-1"} | other)

        assert error(refused) == (409, "IdInUse")
        assert connector.one("r-1").json() == row


def test_the_same_id_from_many_at_once_is_answered_once(
    tmp_path: Path, opendcim: InventedOpenDcim, database: dict[str, str]
) -> None:
    with asking(tmp_path, opendcim, **database) as connector:
        with ThreadPoolExecutor(12) as pool:
            posted = list(pool.map(lambda _: connector.post(ONE), range(24)))
        row = connector.finished("r-1")

    assert sorted(answer.status_code for answer in posted) == [200] * 23 + [202]
    assert row["Status"] == "Completed"
    assert opendcim.calls.count("device?Label=enc-1") == 1


def test_of_two_contents_at_once_one_is_taken(tmp_path: Path, opendcim: InventedOpenDcim) -> None:
    contents = [{"Id": "r-1", "Elements": [f"1/{n % 2 + 1}"]} for n in range(16)]
    with asking(tmp_path, opendcim) as connector, ThreadPoolExecutor(8) as pool:
        codes = [answer.status_code for answer in pool.map(connector.post, contents)]

    assert sorted(set(codes)) == [200, 202, 409]
    assert (codes.count(202), codes.count(409)) == (1, 8)


def test_a_malformed_request_is_a_row_that_has_failed(
    tmp_path: Path, opendcim: InventedOpenDcim
) -> None:
    malformed = {"Id": "r-1", "Elements": ["1/1", {"DmaId": 1}]}
    with asking(tmp_path, opendcim) as connector:
        posted = connector.post(malformed)
        again = connector.post(malformed)
        mended = connector.post(ONE)
        shown = connector.one("r-1").json()

    assert (posted.status_code, again.status_code) == (400, 400)
    assert error(mended) == (409, "IdInUse")
    assert shown == posted.json() == again.json()
    assert shown["Status"] == "Failed"
    assert shown["Error"] == {
        "Code": "Malformed",
        "Message": "Elements[1].ElementId is missing",
    }
    assert opendcim.calls == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"Elements":["1/1"]}', b"\x00\xff"])
def test_without_an_id_no_row_is_made(
    tmp_path: Path, opendcim: InventedOpenDcim, body: bytes
) -> None:
    with asking(tmp_path, opendcim) as connector:
        assert error(connector.post(body)) == (400, "Malformed")
        assert connector.http.get(PATH).json() == {"Requests": [], "Before": None}


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_large_is_refused(
    tmp_path: Path, opendcim: InventedOpenDcim, *, chunked: bool
) -> None:
    body = b" " * 3_000_000
    content = iter([body]) if chunked else body
    with asking(tmp_path, opendcim) as connector:
        refused = connector.http.post(PATH, content=content)
        assert error(refused) == (413, "TooLarge")
        assert connector.answer("1/1")["Status"] == "Completed"


def test_too_many_elements_are_refused(tmp_path: Path, opendcim: InventedOpenDcim) -> None:
    with asking(tmp_path, opendcim, opendcim_connector_max_elements=2) as connector:
        refused = connector.post({"Id": "r-1", "Elements": ["1/1"] * 3})

    assert refused.status_code == 400
    assert "at most 2" in refused.json()["Error"]["Message"]


def test_too_many_requests_are_told_to_come_later(
    tmp_path: Path, opendcim: InventedOpenDcim
) -> None:
    opendcim.trouble = slowly(1)
    with asking(tmp_path, opendcim, opendcim_connector_max_pending=2) as connector:
        codes = [connector.post(ONE | {"Id": f"r-{n}"}).status_code for n in range(2)]
        refused = connector.post(ONE | {"Id": "r-9"})
        again = connector.post(ONE | {"Id": "r-0"})

        assert codes == [202, 202]
        assert error(refused) == (503, "TooManyRequests")
        assert int(refused.headers["retry-after"]) > 0
        assert again.status_code == 200
        connector.finished("r-1")
        assert connector.post(ONE | {"Id": "r-9"}).status_code == 202


def test_a_request_in_a_queue_that_is_too_long_fails_in_its_time(
    tmp_path: Path, opendcim: InventedOpenDcim
) -> None:
    opendcim.trouble = slowly(4)
    keys = {"opendcim_connector_workers": 1, "opendcim_connector_timeout": "8 s"}
    with asking(tmp_path, opendcim, **keys) as connector:
        connector.post({"Id": "first", "Elements": ["1/1"], "Include": ["Device"]})
        connector.post({"Id": "late", "Elements": ["1/1"], "TimeoutSeconds": 1})
        late = connector.finished("late")

    assert (late["Status"], late["Error"]["Code"]) == ("Failed", "TimedOut")
    assert "before it was begun" in late["Error"]["Message"]


def test_a_timeout_is_cut_to_the_largest(tmp_path: Path, opendcim: InventedOpenDcim) -> None:
    opendcim.trouble = slowly(30)
    with asking(tmp_path, opendcim, opendcim_connector_max_timeout="1 s") as connector:
        row = connector.answer("1/1", TimeoutSeconds=3600)

    assert row["Error"]["Code"] == "TimedOut"


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded"])
def test_what_a_form_of_a_page_would_send_is_refused(
    tmp_path: Path, opendcim: InventedOpenDcim, kind: str
) -> None:
    with asking(tmp_path, opendcim) as connector:
        body = json.dumps(ONE).encode()
        assert error(connector.post(body, **{"content-type": kind})) == (415, "WrongContentType")
        assert connector.post(body).status_code == 202


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/external-requests/unknown", 404),
        ("GET", "/external-requests/%00", 404),
        ("GET", "/external-requests/a/b", 404),
        ("GET", "/external-requests/", 404),
        ("DELETE", "/external-requests/r-1", 405),
        ("PUT", "/external-requests", 405),
        ("GET", "/external-requests?status=Done", 400),
        ("GET", "/external-requests?limit=0", 400),
        ("GET", "/external-requests?limit=%C2%B2", 400),
        ("GET", "/external-requests?limit=000000100999", 400),
        ("GET", f"/external-requests?limit={'0' * 5_000}1{'0' * 5_000}", 400),
        ("GET", "/external-requests?before=unknown", 400),
    ],
)
def test_whatever_else_is_asked_is_an_error_in_json(
    tmp_path: Path, opendcim: InventedOpenDcim, method: str, path: str, status: int
) -> None:
    with asking(tmp_path, opendcim) as connector:
        answer = connector.http.request(method, path, follow_redirects=False)

    assert error(answer)[0] == status


def test_the_list_shows_all_rows_in_pages_without_what_was_found(
    tmp_path: Path, opendcim: InventedOpenDcim
) -> None:
    with asking(tmp_path, opendcim) as connector:
        for number in range(5):
            connector.answer("1/1", "1/2", request_id=f"r-{number}")
        connector.post({"Id": "bad", "Elements": []})
        seen: list[str] = []
        before: str | None = ""
        while before is not None:
            page = connector.http.get(PATH, params={"limit": 2, "before": before}).json()
            seen += [row["Id"] for row in page["Requests"]]
            before = page["Before"]
        failed = connector.http.get(PATH, params={"status": "failed"}).json()["Requests"]
        first = connector.http.get(PATH).json()["Requests"][1]

    assert seen == ["bad", "r-4", "r-3", "r-2", "r-1", "r-0"]
    assert [row["Id"] for row in failed] == ["bad"]
    assert failed[0]["Elements"] == 0
    assert (first["Status"], first["Elements"]) == ("Completed", 2)


def test_rows_stay_over_a_restart_and_for_the_retention(
    tmp_path: Path, opendcim: InventedOpenDcim, database: dict[str, str]
) -> None:
    with asking(tmp_path, opendcim, **database) as connector:
        row = connector.answer("1/1")
    with asking(tmp_path, opendcim, **database) as connector:
        assert connector.one("r-1").json() == row
        assert connector.post(ONE).json() == row


def test_what_is_under_way_when_the_server_stops_is_done_after_its_start(
    tmp_path: Path, opendcim: InventedOpenDcim, database: dict[str, str]
) -> None:
    asked = threading.Event()

    async def waits(request: Any) -> None:
        del request
        asked.set()
        await slowly(1.5)(None)  # type: ignore[arg-type]

    opendcim.trouble = waits
    with asking(tmp_path, opendcim, **database) as connector:
        connector.post(ONE)
        assert asked.wait(20)
    opendcim.trouble = None
    with asking(tmp_path, opendcim, **database) as connector:
        assert connector.finished("r-1")["Status"] == "Completed"


def test_two_servers_share_a_database_and_each_request_is_answered_once(
    tmp_path: Path, opendcim: InventedOpenDcim, postgres_url: str
) -> None:
    shared = {"opendcim_connector_database_url": postgres_url}
    write_elements(tmp_path, {f"1/{n}": f"enc-{n}" for n in range(1, 31)})
    opendcim.devices = [a_device(n, f"enc-{n}") for n in range(1, 31)]
    with (
        asking(tmp_path, opendcim, **shared) as one,
        serving(opendcim) as url,
        a_connector(tmp_path, url, **shared) as other,
    ):
        for number in range(1, 31):
            content = {"Id": f"r-{number}", "Elements": [f"1/{number}"], "Include": ["Device"]}
            assert (one if number % 2 else other).post(content).status_code == 202
        rows = [other.finished(f"r-{number}") for number in range(1, 31)]

    assert {row["Status"] for row in rows} == {"Completed"}
    assert sorted(opendcim.calls) == sorted(f"device?Label=enc-{n}" for n in range(1, 31))


def test_a_database_that_is_away_is_told_and_used_again_when_it_is_back(
    tmp_path: Path, opendcim: InventedOpenDcim
) -> None:
    table, away = "opendcim_connector_request", "away"
    with asking(tmp_path, opendcim) as connector:
        connector.answer("1/1")
        database = sqlite3.connect(tmp_path / "data" / "opendcim-connector.db", timeout=30)
        with closing(database):
            database.execute(f"ALTER TABLE {table} RENAME TO {away}")
            refused = connector.post(ONE | {"Id": "r-2"})
            time.sleep(3)  # a round of the worker, and of the care for rows
            database.execute(f"ALTER TABLE {away} RENAME TO {table}")
        row = connector.answer("1/1", request_id="r-2")

    assert error(refused) == (503, "Unavailable")
    assert "opendcim-connector.db cannot be used now" in refused.json()["Error"]["Message"]
    assert row["Status"] == "Completed"


def test_a_body_that_never_ends_holds_nothing_up(
    tmp_path: Path, opendcim: InventedOpenDcim
) -> None:
    with asking(tmp_path, opendcim) as connector:
        url = connector.http.base_url
        with socket.create_connection((url.host, url.port or 80)) as stuck:
            stuck.sendall(
                b"POST /external-requests HTTP/1.1\r\nHost: localhost\r\n"
                b"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
            )
            assert connector.answer("1/1")["Status"] == "Completed"
        assert connector.http.get(PATH).json()["Requests"][0]["Id"] == "r-1"


def test_a_token_lets_in_who_knows_it(tmp_path: Path, opendcim: InventedOpenDcim) -> None:
    with asking(tmp_path, opendcim, opendcim_connector_token=TOKEN) as connector:
        for wrong in ({}, {"Authorization": "Bearer x"}, {"Authorization": f"Basic {TOKEN}"}):
            refused = connector.post(ONE, **wrong)
            assert error(refused) == (401, "Unauthorized")
            assert refused.headers["www-authenticate"] == "Bearer"
        assert error(connector.http.get(PATH)) == (401, "Unauthorized")
        assert error(connector.one("r-1")) == (401, "Unauthorized")
        assert connector.post(ONE, Authorization=f"bearer {TOKEN}").status_code == 202


def test_nobody_signs_in_by_a_body_that_is_read_first(
    tmp_path: Path, opendcim: InventedOpenDcim
) -> None:
    """A stranger is refused before anything of the body is looked at."""
    with asking(tmp_path, opendcim, opendcim_connector_token=TOKEN) as connector:
        assert error(connector.post(b"{")) == (401, "Unauthorized")


@pytest.mark.parametrize(
    "header",
    [
        {"X-Forwarded-For": "203.0.113.7"},
        {"X-Forwarded-For": "127.0.0.1"},
        {"Forwarded": "for=203.0.113.7"},
        {"Via": "1.1 proxy"},
        {"Origin": "https://example.org"},
        {"Host": "rebound.example.org"},
    ],
)
def test_without_users_and_token_only_this_machine_itself_is_let_in(
    tmp_path: Path, opendcim: InventedOpenDcim, header: dict[str, str]
) -> None:
    with asking(tmp_path, opendcim) as connector:
        refused = connector.post(ONE, **header)
        assert error(refused) == (403, "Forbidden")
        assert "opendcim-connector-users" in refused.json()["Error"]["Message"]
        assert connector.post(ONE, Host="localhost:1").status_code == 202
