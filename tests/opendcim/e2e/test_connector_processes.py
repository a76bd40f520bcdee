"""The connector as a process of its own: started, killed, started again, and its examples."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.opendcim.connectors import TOKEN, Asking, connector_keys, write_elements
from tests.opendcim.invented_opendcim import (
    InventedOpenDcim,
    a_device,
    always,
    denied_with_200,
    slowly,
)
from tests.support.instances.instance import PROJECT
from tests.support.servers.web_server import serving

ONE = {"Id": "r-1", "Elements": ["1/1"]}
EXAMPLES = PROJECT / "docs" / "examples"
_PATIENCE = 30.0


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> dict[str, str]:
    if request.param == "sqlite":
        return {}
    return {"opendcim_connector_database_url": request.getfixturevalue("postgres_url")}


@pytest.fixture
def opendcim(tmp_path: Path) -> InventedOpenDcim:
    write_elements(tmp_path, {"1/1": "enc-1"})
    return InventedOpenDcim(devices=[a_device(1, "enc-1")])


def configured(folder: Path, opendcim: str, **keys: object) -> Path:
    file = folder / "source-server.properties"
    chosen = {k: v for k, v in connector_keys(opendcim, port=0, **keys).items() if v is not None}
    chosen |= {"workers": 1}  # whose death is that of the server
    file.write_text("".join(f"{k.replace('_', '-')} = {v}\n" for k, v in chosen.items()))
    file.chmod(0o600)
    return file


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "source_server", *map(str, arguments)]


def ran(*arguments: object, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments),
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
        **more,
    )


@contextmanager
def serve(config: Path) -> Iterator[tuple[Asking, subprocess.Popen[str]]]:
    with subprocess.Popen(
        command("serve", "--config", config), cwd=PROJECT, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stderr
            url = ""
            for line in process.stderr:
                if found := re.search(r"openDCIM connector at (http://\S+?)/external", line):
                    url = found[1]
                    break
            assert url, "it did not start"
            threading.Thread(target=process.stderr.read, daemon=True).start()
            with httpx.Client(base_url=url, trust_env=False, timeout=_PATIENCE) as http:
                yield Asking(http), process
        finally:
            process.kill()


def waited_for(opendcim: InventedOpenDcim) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not opendcim.calls and time.monotonic() < deadline:
        time.sleep(0.05)
    assert opendcim.calls


def test_a_request_survives_the_death_of_the_server(
    tmp_path: Path, opendcim: InventedOpenDcim, database: dict[str, str]
) -> None:
    opendcim.trouble = slowly(60)
    with serving(opendcim) as url:
        config = configured(tmp_path, url, **database)
        with serve(config) as (connector, process):
            assert connector.post(ONE).status_code == 202
            waited_for(opendcim)
            assert connector.one("r-1").json()["Status"] == "Pending"
            process.send_signal(signal.SIGKILL)
            process.wait(_PATIENCE)
        opendcim.trouble = None
        with serve(config) as (connector, _):
            row = connector.finished("r-1")

    assert opendcim.calls.count("device?Label=enc-1") == 2
    assert (row["Status"], row["Elements"][0]["Result"]) == ("Completed", "Found")


def test_a_request_whose_time_passed_while_the_server_was_dead_has_failed(
    tmp_path: Path, opendcim: InventedOpenDcim, database: dict[str, str]
) -> None:
    opendcim.trouble = slowly(60)
    with serving(opendcim) as url:
        config = configured(tmp_path, url, **database)
        with serve(config) as (connector, process):
            connector.post(ONE | {"TimeoutSeconds": 3})
            waited_for(opendcim)
            process.send_signal(signal.SIGKILL)
            process.wait(_PATIENCE)
        time.sleep(3)
        with serve(config) as (connector, _):
            row = connector.finished("r-1")

    assert (row["Status"], row["Error"]["Code"]) == ("Failed", "TimedOut")
    assert "restarted" in row["Error"]["Message"]


def test_a_server_at_work_stops_when_it_is_told_to(
    tmp_path: Path, opendcim: InventedOpenDcim
) -> None:
    opendcim.trouble = slowly(5)
    with (
        serving(opendcim) as url,
        serve(configured(tmp_path, url)) as (connector, process),
    ):
        connector.post(ONE)
        waited_for(opendcim)
        process.send_signal(signal.SIGTERM)
        assert process.wait(_PATIENCE) == 0


def test_a_typo_and_a_missing_key_are_told_with_their_lines(tmp_path: Path) -> None:
    config = configured(tmp_path, "http://h", opendcim_connector_tokn="x")
    ended = ran("serve", "--config", config)

    assert ended.returncode == 2
    assert ended.stderr.strip().endswith(
        "opendcim-connector-tokn: there is no such key; did you mean opendcim-connector-token?"
    )
    assert "Traceback" not in ended.stderr


def test_users_of_a_file_of_our_own_may_ask(tmp_path: Path, opendcim: InventedOpenDcim) -> None:
    with serving(opendcim) as url:
        config = configured(
            tmp_path, url, users_file="users.json", opendcim_connector_users="mira, tom"
        )
        for user in ("mira", "eve"):
            added = ran("user", "add", user, "--password-stdin", "--config", config, input="pw\n")
            assert added.returncode == 0, added.stderr
        with serve(config) as (connector, _):
            allowed = connector.http.get("/external-requests", auth=("mira", "pw"))
            stranger = connector.http.get("/external-requests", auth=("eve", "pw"))
            wrong = connector.http.get("/external-requests", auth=("mira", "pq"))

    assert (allowed.status_code, stranger.status_code, wrong.status_code) == (200, 403, 401)


def test_the_example_of_the_docs_gets_its_answer(
    tmp_path: Path, opendcim: InventedOpenDcim
) -> None:
    with serving(opendcim) as url:
        config = configured(tmp_path, url, opendcim_connector_token=TOKEN)
        with serve(config) as (connector, _):
            server = str(connector.http.base_url)
            good = example(server, "1/1", "1/2", CONNECTOR_TOKEN=TOKEN)
            wrong = example(server, "1/1", CONNECTOR_TOKEN="wrong")
            opendcim.trouble = always(denied_with_200)
            refused = example(server, "1/1", CONNECTOR_TOKEN=TOKEN)

    assert good.returncode == 0, good.stderr
    assert '"Location": "A-01"' in good.stdout
    assert '"Result": "ElementUnknown"' in good.stdout
    assert (wrong.returncode, refused.returncode) == (1, 1)
    assert '"Code": "Unauthorized"' in wrong.stdout
    assert '"Code": "Refused"' in refused.stdout


def example(server: str, *elements: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, EXAMPLES / "external_request.py", server, *elements],
        env=os.environ | {"NO_PROXY": "*"} | environment,
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_example_with_curl_gets_its_answer(tmp_path: Path, opendcim: InventedOpenDcim) -> None:
    with serving(opendcim) as url:
        config = configured(tmp_path, url, opendcim_connector_token=TOKEN)
        with serve(config) as (connector, _):
            ended = subprocess.run(
                ["sh", EXAMPLES / "external_request.sh", str(connector.http.base_url), "1", "1"],
                env=os.environ | {"NO_PROXY": "*", "CONNECTOR_TOKEN": TOKEN},
                capture_output=True,
                text=True,
                timeout=_PATIENCE,
                check=False,
            )

    assert ended.returncode == 0, ended.stderr
    assert '"Status":"Completed"' in ended.stdout.splitlines()[-1]
