"""What ``check-config --online`` finds: with a real source, mail server, database and disk."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from harvester.runs.amounts import shown_size
from shared.resourcesync.terms import Document
from shared.store.engine import rehearsal
from tests.integration.test_harvest_full_disk import small_disk
from tests.support.faults.faulty_source import LIST, answering, cut, edited
from tests.support.instances.builders import a_data_set, a_property_type, a_sample, a_space
from tests.support.instances.full_instance import TRIAL, FullInstance, full_master_data
from tests.support.instances.harvests import Harvest, Result
from tests.support.instances.instance import PASSWORD, USER, Around, Instance
from tests.support.processes.listening_programs import free_port
from tests.support.servers.certificates import certificate
from tests.support.servers.mail_server import encrypting, mail_server

NOWHERE = f"http://127.0.0.1:{free_port()}"


def check(harvest: Harvest, *options: str) -> Result:
    result = harvest.command("check-config", "--online", *options)
    for secret in (PASSWORD, "guessed", "hunter2"):
        assert secret not in result.output
    return result


def findings(result: Result) -> dict[str, str]:
    """Verdict and text by subject; of several with one subject all texts."""
    found: dict[str, str] = {}
    for line in result.output.splitlines():
        if parts := re.fullmatch(r"  (ok|warning|FAILED|untried) +(\S.{17}|\S+) +(.*)", line):
            subject = parts[2].strip()
            found[subject] = f"{found.get(subject, '')}{parts[1]}: {parts[3]}"
    return found


def failed(result: Result) -> set[str]:
    return {name for name, text in findings(result).items() if text.startswith("FAILED")}


def everything_in(harvest: Harvest) -> tuple[Any, ...]:
    """What must not change: the database, and every file and folder with its content."""
    files = {
        path.relative_to(harvest.root): path.read_bytes() if path.is_file() else None
        for path in harvest.root.rglob("*")
        if "instance.db" not in path.name
    }
    return harvest.instance.content(), files


class _Recorded(BaseHTTPRequestHandler):
    """Gives the documents of a source as they were, and a time that the test wants."""

    documents: ClassVar[dict[str, bytes]] = {}
    date: ClassVar[str] = ""

    def do_GET(self) -> None:
        body = self.documents[parse_qs(urlsplit(self.path).query)["verb"][0]]
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def date_time_string(self, timestamp: float | None = None) -> str:  # noqa: ARG002
        return self.date

    def log_message(self, *_: object) -> None:
        """Nothing: standard error belongs to the test."""


@contextmanager
def at_another_time(source: Instance, date: str) -> Iterator[str]:
    """A web server with the source's documents, whose clock is wrong."""
    with source.served() as url, httpx.Client(auth=(USER, PASSWORD)) as client:
        _Recorded.documents = {
            document.value: client.get(f"{url}{LIST}", params={"verb": document.value})
            .raise_for_status()
            .content
            for document in Document
        }
    _Recorded.date = date
    with ThreadingHTTPServer(("127.0.0.1", 0), _Recorded) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def ready(harvest: Harvest) -> Harvest:
    harvest.section("DS1", NOWHERE)
    harvest.init()
    return harvest


@contextmanager
def served(
    source: Instance, harvest: Harvest, around: Around = lambda app: app, **keys: str
) -> Iterator[str]:
    with source.served(around) as url:
        harvest.section("DS1", url, **keys)
        yield url


def test_all_is_fine_and_nothing_changes(
    source: Instance, full_instance: FullInstance, either: Harvest
) -> None:
    either.init()
    with mail_server() as (mailbox, port), source.served() as url:
        either.add_properties(
            "mail.smtp.host = 127.0.0.1", f"mail.smtp.port = {port}", "mail.from = a@b.org"
        )
        keys = {"webhook_url": f"{NOWHERE}/hook", "email_addresses": "mira@b.org"}
        either.section("DS1", url, **keys)
        before = everything_in(either)
        result = check(either)
        assert result.code == 0, result.output
        assert result.output.endswith("0 failed, 0 warnings\n")
        assert everything_in(either) == before
    assert (mailbox.messages, mailbox.recipients) == ([], [])
    found = findings(result)
    assert set(found) == {
        *("database", "mail server", "harvester-user", "data store", "work folder"),
        *("file service", "log", "state", "failed items", "webhook-url", "source", "clock"),
        *("list", "free space", "download"),
    }
    assert f"answers, and lets {USER} in" in found["source"]
    assert "2 spaces, 2 projects, 1 experiment, 7 samples, 4 data sets (3 files, " in found["list"]
    assert found["list"].endswith("1 file of the file service; 4 of the data sets are new here")
    assert full_instance.everything


def test_what_a_run_would_bring_is_only_what_is_not_here(
    source: Instance, full_instance: FullInstance, harvest: Harvest
) -> None:
    harvest.init()
    with served(source, harvest):
        source_bytes = sum(len(content) for content in source.bytes_held().values())
        before = findings(check(harvest))
        harvest.converges()
        between = findings(check(harvest))
        new = a_data_set(59).code
        file = source.put_file(new, "original/x", b"12345")
        source.load(a_data_set(59, experiment=TRIAL, files=(file,)))
        after = findings(check(harvest))
    assert [found["free space"].rpartition("about ")[2] for found in (before, between, after)] == [
        shown_size(source_bytes),
        shown_size(0),
        shown_size(5),
    ]
    assert [found["list"].rpartition("; ")[2][0] for found in (before, between, after)] == [*"401"]
    assert full_instance.everything


def test_a_wrong_password_of_the_source_is_told_apart_from_a_missing_right(
    source: Instance, full_instance: FullInstance, ready: Harvest
) -> None:
    with served(source, ready, data_source_auth_pass="guessed"):
        result = check(ready)
        assert (result.code, failed(result)) == (4, {"source"})
        told = findings(result)
        assert f"status 401: it refuses user {USER}; check data-source-auth-user" in told["source"]
        assert told["list"].startswith("untried")
        assert told["clock"].startswith("ok")
    source.execute("DELETE FROM role_assignment")
    with served(source, ready):
        result = check(ready)
        assert (result.code, failed(result)) == (4, {"source"})
        assert f"status 403: user {USER} may sign in, but has no" in findings(result)["source"]
    assert full_instance.everything


def test_a_source_that_is_down_is_told_and_all_else_is_tried(ready: Harvest) -> None:
    before = everything_in(ready)
    result = check(ready)
    assert (result.code, failed(result)) == (3, {"source"})
    found = findings(result)
    assert "/datastore_server/re-sync cannot be read: " in found["source"]
    assert found["data store"].startswith("ok")
    assert found["list"].startswith("untried")
    assert everything_in(ready) == before


@pytest.mark.parametrize(
    ("status", "code", "told"),
    [
        (404, 2, "out of order; check resource-list-url"),
        (503, 3, "out of order; try later"),
        (429, 3, "out of order; try later"),
    ],
)
def test_a_source_that_answers_otherwise_is_told_with_its_words(
    source: Instance, ready: Harvest, status: int, code: int, told: str
) -> None:
    with served(source, ready, answering(status)):
        result = check(ready)
    assert (result.code, failed(result)) == (code, {"source"})
    assert f"answers with status {status}: {told}" in findings(result)["source"]


def test_certificates_that_cannot_be_read_are_told_and_unverified_ones_are_doubtful(
    source: Instance, full_instance: FullInstance, ready: Harvest
) -> None:
    with served(source, ready, ca_bundle="no-such-file.pem"):
        result = check(ready)
    assert (result.code, failed(result)) == (2, {"source"})
    assert "ca-bundle" in findings(result)["source"]
    assert findings(result)["list"].startswith("untried")
    with served(source, ready, tls_verify="false"):
        result = check(ready)
    assert result.code == 0
    assert findings(result)["source"].startswith("warning: ")
    assert findings(result)["list"].startswith("ok: ")
    assert full_instance.everything


def test_a_page_that_is_no_data_source_is_told(source: Instance, ready: Harvest) -> None:
    with source.served() as url:
        ready.section("DS1", url, resource_list_url=f"{url}/elsewhere")
        result = check(ready)
    assert (result.code, failed(result)) == (2, {"source"})
    assert "status 404" in findings(result)["source"]


def test_wrong_credentials_on_this_side_and_unknown_users_are_told(
    source: Instance, full_instance: FullInstance, ready: Harvest
) -> None:
    with served(source, ready, harvester_pass="guessed"):
        result = check(ready)
    assert (result.code, failed(result)) == (2, {"harvester-user"})
    assert "[DS1] harvester-pass: wrong password for 'admin'" in result.output
    assert findings(result)["list"].startswith("ok")
    assert full_instance.everything


def test_without_a_destination_the_source_is_tried_all_the_same(
    source: Instance, full_instance: FullInstance, harvest: Harvest
) -> None:
    harvest.instance.engine.dispose()
    with served(source, harvest):
        result = check(harvest)
    assert (result.code, failed(result)) == (2, {"database"})
    found = findings(result)
    assert "create one with 'harvester init'" in found["database"]
    assert found["harvester-user"].startswith("untried")
    assert found["list"].startswith("ok")
    assert not (harvest.root / "instance.db").exists()
    assert full_instance.everything


def test_a_database_that_may_only_be_read_is_told(
    postgres_url: str, tmp_path: Path, one_authority: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(one_authority))
    harvest = Harvest(tmp_path / "destination", database_url=postgres_url)
    harvest.init()
    reader = postgres_url + ("&" if "?" in postgres_url else "?")
    harvest._properties[-1] = f"database-url = {reader}options=-cdefault_transaction_read_only=on"
    harvest.section("DS1", NOWHERE)
    result = check(harvest)
    assert failed(result) == {"database", "source"}
    assert result.code == 2
    assert "read-only transaction" in findings(result)["database"]
    harvest.instance.engine.dispose()


def test_a_database_that_somebody_else_writes_to_is_only_doubtful(ready: Harvest) -> None:
    with ready.instance.engine.connect() as connection, rehearsal(connection):
        result = check(ready)
    assert findings(result)["database"].endswith("somebody else writes to it; try again later")
    assert failed(result) == {"source"}


@pytest.mark.parametrize(
    ("ahead", "code", "verdict"),
    [
        (timedelta(seconds=20), 0, "ok: that of the data source differs by "),
        (timedelta(minutes=5), 0, "warning: that of the data source is 0:0"),
        (timedelta(minutes=-5), 0, "warning: that of the data source is 0:0"),
        (timedelta(hours=-2), 2, "FAILED: that of the data source is "),
        (timedelta(hours=2), 2, "FAILED: that of the data source is "),
    ],
)
def test_a_clock_that_goes_wrong_is_told(
    source: Instance, ready: Harvest, ahead: timedelta, code: int, verdict: str
) -> None:
    source.add_user()
    date = format_datetime(datetime.now(UTC) + ahead, usegmt=True)
    with at_another_time(source, date) as url:
        ready.section("DS1", url)
        result = check(ready)
    clock = findings(result)["clock"]
    assert result.code == code
    assert clock.startswith(verdict)
    if not clock.startswith("ok"):
        assert ("ahead of" if ahead > timedelta(0) else "behind") in clock


def test_a_source_without_a_clock_is_told(source: Instance, ready: Harvest) -> None:
    source.add_user()
    with at_another_time(source, "yesterday") as url:
        ready.section("DS1", url)
        result = check(ready)
    assert findings(result)["clock"] == "warning: the data source does not tell its time"


@pytest.mark.parametrize(
    ("key", "subject"),
    [
        ("log_file", "log"),
        ("last_sync_timestamp_file", "state"),
        ("not_synced_entities_file", "failed items"),
        ("file_service_repository_path", "file service"),
        ("harvester_tmp_dir", "work folder"),
    ],
)
def test_a_file_where_a_folder_should_be_is_told(ready: Harvest, key: str, subject: str) -> None:
    (ready.root / "wall").write_text("")
    (ready.root / "store").mkdir()
    (ready.root / "store" / "wall").write_text("")
    ready.section("DS1", NOWHERE, **{key: "wall/below"})
    before = everything_in(ready)
    result = check(ready)
    assert result.code == 2
    assert failed(result) == {"source", subject}
    told = findings(result)[subject]
    assert "wall" in told
    assert f"a file stands where a folder should be; correct {key.replace('_', '-')}" in told
    assert everything_in(ready) == before


def test_a_folder_where_the_log_should_be_is_told(ready: Harvest) -> None:
    (ready.root / "logs").mkdir()
    ready.section("DS1", NOWHERE, log_file="logs")
    assert "logs is no file; correct log-file" in findings(check(ready))["log"]


def test_a_data_store_on_a_full_disk_is_told(
    source: Instance, full_instance: FullInstance, ready: Harvest
) -> None:
    store = ready.root / "store"
    with small_disk(store, "60k"), served(source, ready):
        (store / "full").write_bytes(bytes(61440))
        result = check(ready)
    assert result.code == 2
    assert failed(result) == {"data store", "work folder", "list"}
    found = findings(result)
    assert (
        f"{store} cannot be written to: No space left on device; make room" in found["data store"]
    )
    assert "the list is larger than the room for it" in found["list"]
    assert "make room below harvester-tmp-dir" in found["list"]
    assert full_instance.everything


def test_what_does_not_fit_is_told_before_it_is_fetched(
    source: Instance, full_instance: FullInstance, ready: Harvest
) -> None:
    code = a_data_set(59).code
    file = source.put_file(code, "original/large", bytes(3_000_000))
    source.load(a_data_set(59, experiment=TRIAL, files=(file,)))
    with small_disk(ready.root / "store", "2m"), served(source, ready):
        result = check(ready)
        assert result.code == 2
        assert failed(result) == {"free space"}
        assert "a run brings about 2.9 MB; make room" in findings(result)["free space"]
    assert full_instance.everything


def test_a_work_folder_on_another_file_system_than_the_store_is_told(ready: Harvest) -> None:
    with small_disk(ready.root / "store" / "temp", "1m"):
        result = check(ready)
        assert "lies on another file system than the data store" in findings(result)["work folder"]
        assert list((ready.root / "store" / "temp").iterdir()) == []
        assert failed(result) == {"source", "work folder"}


def test_a_mail_server_that_is_down_is_told(ready: Harvest) -> None:
    port = free_port()
    ready.add_properties(
        "mail.smtp.host = 127.0.0.1", f"mail.smtp.port = {port}", "mail.from = a@b.org"
    )
    ready.section("DS1", NOWHERE)
    result = check(ready)
    assert failed(result) == {"source", "mail server"}
    assert f"127.0.0.1:{port} cannot be reached: " in findings(result)["mail server"]


@pytest.mark.parametrize("mode", ["ssl", "starttls"])
@pytest.mark.parametrize(
    ("password", "told"),
    [
        ("secret", "ok: 127.0.0.1:{port} answers, and lets mira in"),
        ("guessed", "FAILED: 127.0.0.1:{port} refuses user mira with code 535; check mail.smtp."),
    ],
)
def test_an_encrypting_mail_server_is_logged_in_to(
    ready: Harvest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    mode: str,
    password: str,
    told: str,
) -> None:
    file = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with encrypting(mode, file) as (mailbox, port):
        ready.add_properties(
            *("mail.smtp.host = 127.0.0.1", f"mail.smtp.port = {port}", "mail.from = a@b.org"),
            *("mail.smtp.user = mira", f"mail.smtp.password = {password}"),
            f"mail.smtp.{mode} = true",
        )
        ready.section("DS1", NOWHERE)
        assert findings(check(ready))["mail server"].startswith(told.format(port=port))
    assert mailbox.messages == []


def test_a_mail_server_without_encryption_is_told(
    ready: Harvest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one_authority: Path
) -> None:
    lines = ("mail.smtp.host = 127.0.0.1", "mail.from = a@b.org")
    with mail_server() as (_, port):
        for mode in ("starttls", "ssl"):
            ready.add_properties(*lines, f"mail.smtp.port = {port}", f"mail.smtp.{mode} = true")
            ready.section("DS1", NOWHERE)
            assert failed(check(ready)) == {"source", "mail server"}
            del ready._properties[-4:]
    monkeypatch.setenv("SSL_CERT_FILE", str(one_authority))
    with encrypting("starttls", certificate(tmp_path)) as (_, port):
        secret = ("mail.smtp.user = mira", "mail.smtp.password = secret")
        ready.add_properties(*lines, f"mail.smtp.port = {port}", *secret)
        ready.add_properties("mail.smtp.starttls = true")
        ready.section("DS1", NOWHERE)
        told = findings(check(ready))["mail server"]
    assert "cannot be spoken to in TLS: CERTIFICATE_VERIFY_FAILED; check" in told


def test_recipients_without_a_mail_server_and_a_web_hook_without_a_host_are_told(
    ready: Harvest,
) -> None:
    hook = "https://no-such-host.invalid/services/hunter2"
    ready.section("DS1", NOWHERE, email_addresses="mira@b.org", webhook_url=hook)
    result = check(ready)
    found = findings(result)
    assert found["email-addresses"].startswith("warning: no mail is sent")
    assert found["webhook-url"].startswith("FAILED: no-such-host.invalid has no address")
    assert failed(result) == {"source", "webhook-url"}


def test_patterns_that_match_no_space_are_told_with_the_nearest(
    source: Instance, full_instance: FullInstance, ready: Harvest
) -> None:
    source.load(a_space("GAMMA"))
    with served(
        source, ready, space_white_list="ALPHA, alpah, GAM.*, QQQ", space_black_list="gamma"
    ):
        result = check(ready)
    assert result.code == 0
    told = [line.split(maxsplit=2)[2] for line in result.output.splitlines() if "-list " in line]
    none = "matches no space that this user may see, or only black-listed ones"
    assert told == [
        f"'alpah' {none}; did you mean ALPHA?",
        f"'QQQ' {none}",
        "'gamma' does not match GAMMA, since letter case counts; write it as the code is",
    ]
    assert full_instance.everything


def test_the_nearest_space_may_be_one_that_was_harvested_before(
    source: Instance, full_instance: FullInstance, ready: Harvest
) -> None:
    with source.served() as url:
        ready.section("DS1", url, translate_using_data_source_alias="true")
        assert ready.run().code == 0
        white = {"space_white_list": "ALPHAA", "translate_using_data_source_alias": "true"}
        ready.section("DS1", url, **white)
        found = findings(check(ready))
    assert found["space-white-list"].endswith("did you mean ALPHA?")
    assert found["list"].startswith("ok")  # materials and shared samples are in no space
    assert full_instance.everything


def test_a_pattern_that_the_source_refuses_is_told_with_its_words(
    source: Instance, full_instance: FullInstance, ready: Harvest
) -> None:
    with served(source, ready, space_white_list="ALPHA(, B"):
        result = check(ready)
    assert (result.code, failed(result)) == (2, {"source"})
    told = findings(result)["source"]
    assert "status 400: white_list: the pattern 'ALPHA(' is not a valid regular expression" in told
    assert told.endswith("check space-black-list, space-white-list")
    assert full_instance.everything


def test_a_list_that_breaks_off_is_told(
    source: Instance, full_instance: FullInstance, ready: Harvest
) -> None:
    with served(source, ready, cut(2000)):
        result = check(ready)
    assert result.code in {3, 5}
    assert full_instance.everything


def test_a_list_that_is_none_is_told(
    source: Instance, full_instance: FullInstance, ready: Harvest
) -> None:
    with served(source, ready, edited(lambda body: body.replace(b"</urlset>", b""))):
        result = check(ready)
    assert (result.code, failed(result)) == (5, {"list"})
    assert full_instance.everything


def test_an_empty_list_is_told(source: Instance, ready: Harvest) -> None:
    source.add_user()
    with served(source, ready):
        result = check(ready)
    assert result.code == 0
    assert findings(result)["list"].startswith("warning: it is empty; check")


def test_records_that_cannot_be_read_are_told(
    source: Instance, full_instance: FullInstance, ready: Harvest
) -> None:
    source.load(*(a_sample(n) for n in range(500, 510)))
    spoil = edited(lambda body: re.sub(rb'(<x:xd [^>]*kind=")SAMPLE"', rb'\1SAMPEL"', body))
    with served(source, ready, spoil):
        result = check(ready)
        assert (result.code, failed(result)) == (0, set())
        assert "a run leaves them out and reports them" in findings(result)["records"]
    with served(source, ready, spoil, max_failed_records="1"):
        result = check(ready)
    assert (result.code, failed(result)) == (5, {"records"})
    assert "since max-failed-records is 1: have" in findings(result)["records"]
    assert full_instance.everything


def test_files_at_another_address_than_the_sections_are_told(
    source: Instance, full_instance: FullInstance, ready: Harvest
) -> None:
    spoil = edited(lambda body: body.replace(b"://127.0.0.1", b"://127.0.0.2"))
    with served(source, ready, spoil):
        result = check(ready)
    assert (result.code, failed(result)) == (3, {"download"})
    assert "another origin than those of the section's URLs" in findings(result)["download"]
    assert full_instance.everything


def test_files_that_need_a_session_are_told_if_there_is_no_address_for_it(
    source: Instance, full_instance: FullInstance, ready: Harvest
) -> None:
    spoil = edited(lambda body: re.sub(rb' href="[^"]*"', b"", body))
    with served(source, ready, spoil):
        result = check(ready)
    assert (result.code, failed(result)) == (3, {"download"})
    assert "data-source-openbis-url is missing" in findings(result)["download"]
    assert full_instance.everything


def test_a_source_that_asks_to_wait_for_the_list_is_only_doubtful(
    source: Instance, full_instance: FullInstance, ready: Harvest
) -> None:
    def around(app: Any) -> Any:
        async def application(scope: Any, receive: Any, send: Any) -> None:
            if b"resourcelist" not in scope.get("query_string", b""):
                await app(scope, receive, send)
                return
            headers = [(b"retry-after", b"3600")]
            await send({"type": "http.response.start", "status": 429, "headers": headers})
            await send({"type": "http.response.body", "body": b"one list a day"})

        return application

    with served(source, ready, around):
        result = check(ready)
    assert (result.code, failed(result)) == (0, set())
    assert "status 429: one list a day; " in findings(result)["list"]
    assert findings(result)["list"].endswith("; what a run would harvest can be said then")
    assert full_instance.everything


def test_a_file_that_is_not_as_announced_is_told(
    source: Instance, full_instance: FullInstance, ready: Harvest
) -> None:
    spoil = edited(lambda body: b"#" * len(body), "/datastore_server/2")
    with served(source, ready, spoil):
        result = check(ready)
    assert (result.code, failed(result)) == (7, {"download"})
    assert findings(result)["download"].endswith("look at it on the source")
    assert full_instance.everything


def test_a_capability_list_without_a_list_is_only_doubtful(
    source: Instance, full_instance: FullInstance, ready: Harvest
) -> None:
    spoil = edited(lambda body: body.replace(b"resourcelist", b"nothing"))
    with served(source, ready, spoil):
        result = check(ready)
    assert (result.code, failed(result)) == (0, set())
    assert "names no resource list; check resource-list-url" in findings(result)["source"]
    assert findings(result)["list"].startswith("ok: ")
    assert full_instance.everything


def test_definitions_that_would_get_the_same_code_are_told(
    source: Instance, full_instance: FullInstance, ready: Harvest
) -> None:
    plain = full_master_data()
    twice = (a_property_type("$MINE"), a_property_type("MINE"))
    source.load(replace(plain, property_types=(*plain.property_types, *twice)))
    with served(source, ready):
        result = check(ready)
    assert (result.code, failed(result)) == (6, {"master data"})
    assert "MINE" in findings(result)["master data"]
    assert full_instance.everything


def test_sections_are_checked_one_by_one_and_faulty_ones_not_at_all(
    source: Instance, full_instance: FullInstance, ready: Harvest
) -> None:
    with source.served() as url:
        ready.section("DS1", NOWHERE)
        ready.section("DS2", url)
        ready.section("DS3", url, dry_run="perhaps")
        result = check(ready)
        assert result.code == 2
        headings = [line for line in result.output.splitlines() if line.startswith("[")]
        assert headings == ["[DS1]", "[DS2]"]
        assert "[DS3] dry-run: must be true or false" in result.output
        assert check(ready, "--section", "DS2").code == 0
        assert check(ready, "--section", "DS1").code == 3
    assert full_instance.everything


def test_without_online_no_source_is_asked(ready: Harvest) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0)
        ready.section("DS1", f"http://127.0.0.1:{listener.getsockname()[1]}")
        assert ready.command("check-config").code == 0
        with pytest.raises(BlockingIOError):
            listener.accept()
