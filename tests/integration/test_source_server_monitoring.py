"""Whether the instance answers, and the whole of ``serve`` with everything switched on."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from shared.errors import SyncError
from shared.store.engine import create_store
from source_server.__main__ import main
from source_server.catalogues.embedded import EmbeddedCatalogue
from source_server.catalogues.openbis.catalogue import open_openbis
from source_server.demo.commands import DEMO_PASSWORD, DEMO_USER
from source_server.publication.catalogue import Scope
from source_server.web import reachability
from source_server.web.metrics import Metrics
from source_server.web.reachability import Reachability
from tests.support.instances.memory_catalogue import MemoryCatalogue
from tests.support.servers.postgres import Postgres
from tests.support.servers.watched_site import series_of

PROJECT = Path(__file__).parents[2]


def test_an_embedded_instance_is_reachable_until_its_database_has_gone(
    postgres: Postgres, tmp_path: Path
) -> None:
    with postgres.fresh() as url:
        engine = create_store(url)
        instance = EmbeddedCatalogue(engine, store_root=tmp_path, service_root=tmp_path)
        probe = Reachability(instance)
        well = probe.health()
    ill = probe.health()
    engine.dispose()

    assert well.ok
    assert not ill.ok
    reason = str(ill.details["instance"])
    assert re.search("the database does not answer: .* does not exist", reason)
    assert "\n" not in reason


def test_an_openbis_is_reachable_until_its_database_has_gone(
    postgres: Postgres, tmp_path: Path
) -> None:
    with postgres.fresh_openbis("made_178") as url:
        catalogue = open_openbis(url, store_root=tmp_path)
        probe = Reachability(catalogue)
        well = probe.health()
    ill = probe.health()
    catalogue.close()

    assert well.ok
    assert not ill.ok
    assert "cannot connect to the database" in str(ill.details["instance"])


def test_a_database_that_hangs_is_told_without_waiting_for_it(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reachability, "PATIENCE", 0.3)
    engine = create_store(postgres_url)
    catalogue = EmbeddedCatalogue(engine, store_root=tmp_path, service_root=tmp_path)
    probe = Reachability(catalogue)
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as locking:
        locking.execute("lock table person in access exclusive mode")
        found = [probe.health() for _ in range(3)]
        threads = [thread for thread in threading.enumerate() if thread.name == "reachability"]
    for thread in threads:
        thread.join(30)
    again = probe.health()
    engine.dispose()

    assert [health.ok for health in found] == [False] * 3
    assert "has not answered for" in str(found[0].details["instance"])
    assert len(threads) == 1
    assert again.ok


def test_health_opens_no_snapshot() -> None:
    class NoSnapshot(MemoryCatalogue):
        def snapshot(self) -> Any:
            raise AssertionError("a snapshot was opened")

    assert Reachability(NoSnapshot()).health().ok


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (SyncError("schema 40 is too old"), "schema 40 is too old"),
        (RuntimeError("password=hunter2"), "the instance cannot be read; the log says why"),
    ],
)
def test_only_what_was_raised_on_purpose_is_told(
    error: Exception, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    class Failing(MemoryCatalogue):
        def scope_of(self, _user_id: str) -> Scope | None:
            raise error

    probe = Reachability(Failing())
    assert probe.health().details == {"instance": told}
    reachable, *_ = probe.collect(Metrics(lists=lambda: 0))
    assert reachable.samples[0].value == 0
    assert ("hunter2" in caplog.text) == isinstance(error, RuntimeError)


@contextmanager
def a_process(folder: Path, *lines: str) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """``source-server serve`` on the demo's data; the addresses of monitor and documents."""
    config = folder / "s.properties"
    config.write_text("\n".join(["port = 0", "monitor-address = 127.0.0.1:0", *lines]))
    assert main(["demo", "--config", str(config)]) == 0
    command = [sys.executable, "-m", "source_server", "serve", "--config", str(config)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=PROJECT) as process:
        try:
            assert process.stderr
            monitor = re.search(r"health at (http://\S+)/healthz", process.stderr.readline())
            documents = re.search(r"publishing at (http://\S+)", process.stderr.readline())
            assert monitor
            assert documents
            yield process, monitor[1], documents[1]
        finally:
            process.kill()


def test_serve_does_all_that_its_settings_say(tmp_path: Path) -> None:
    keys = ("minimum-interval = 20 h", "access-log = json")
    with a_process(tmp_path, *keys) as (process, monitor, documents):
        auth = (DEMO_USER, DEMO_PASSWORD)
        address = f"{documents}?verb=resourcelist.xml"
        first, second = httpx.get(address, auth=auth), httpx.get(address, auth=auth)
        health, metrics = httpx.get(f"{monitor}/healthz"), httpx.get(f"{monitor}/metrics")
        process.send_signal(signal.SIGTERM)
        assert process.stderr
        log = process.stderr.read()
        code = process.wait(60)
    series = series_of(metrics.text)
    told = [json.loads(line) for line in log.splitlines() if line.startswith("{")]

    assert (first.status_code, second.status_code, code) == (200, 429, 0)
    assert int(second.headers["Retry-After"]) > 71_000
    assert health.json() == {"status": "ok", "details": {"instance": "reachable"}}
    assert series["reachable"] == 1
    assert series["requests_total{resourcelist,2xx}"] == 1
    assert series["refused_lists_total{interval}"] == 1
    assert [(line["user"], line["status"]) for line in told] == [(DEMO_USER, 200), (DEMO_USER, 429)]
    assert "GET /datastore_server" not in log
    assert "Traceback" not in log
    assert log.splitlines()[-1].endswith("stopped")


def test_the_access_log_can_be_switched_off(tmp_path: Path) -> None:
    with a_process(tmp_path, "access-log = off") as (process, _monitor, documents):
        assert httpx.get(documents, auth=(DEMO_USER, DEMO_PASSWORD)).status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.stderr
        log = process.stderr.read()
    assert "re-sync" not in log


def test_serve_says_if_its_monitor_cannot_listen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "s.properties"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        config.write_text(f"port = 0\nmonitor-address = :{port}\n")
        main(["demo", "--config", str(config)])
        capsys.readouterr()
        code = main(["serve", "--config", str(config)])
    message = capsys.readouterr().err

    assert code == 2
    assert f"source-server: monitor-address = 127.0.0.1:{port}: cannot listen there: " in message
