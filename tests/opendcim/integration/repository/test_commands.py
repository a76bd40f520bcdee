"""A template repository from the command line, and as a server of its own."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Protocol

import httpx
import pytest

from source_server.__main__ import main
from tests.opendcim.repository_site import a_picture, a_submission

PROJECT = Path(__file__).parents[4]


class Run(Protocol):
    """Runs a command below ``opendcim``; what it wrote, or said of its failure."""

    def __call__(self, *arguments: str, code: int = 0) -> str: ...


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "source-server.properties"
    file.write_text("catalogue = none\nopendcim-repository = true\nport = 0\n")
    return file


@pytest.fixture
def run(config: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str, code: int = 0) -> str:
        found = main(["opendcim", *arguments, "--config", str(config)])
        written = capsys.readouterr()
        assert found == code, written.err
        return written.out if code == 0 else written.err

    return run


@contextmanager
def served(config: Path) -> Iterator[str]:
    """The server as a process; its base URL."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    text = config.read_text()
    config.write_text(
        text.replace("port = 0", f"port = {port}") + f"download-url = http://127.0.0.1:{port}\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "source_server", "serve", "--config", str(config)],
        cwd=PROJECT,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        told = ""
        while "openDCIM repository at" not in told:
            told = process.stderr.readline()
            assert told, "the server ended"
        yield re.sub(r".* at (http://[^/]+)/api\s*", r"\1", told)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert process.returncode == 0


def test_a_repository_is_run_moderated_and_read_without_any_openbis(config: Path, run: Run) -> None:
    admin = run("user", "add", "admin@repository.example", "--administrator").strip()
    alice = run("user", "add", "alice@first.example").strip()
    run("manufacturer", "add", "HPE", "AT&T")
    with served(config) as url:
        headers = {"APIKey": alice, "UserID": "alice@first.example"}
        tree = a_submission("DL380", FrontPictureFile="f.png", RearPictureFile="r.png")
        answer = httpx.put(f"{url}/api/template", json=tree, headers=headers)
        number = answer.json()["template"]["RequestID"]
        files = {"front": ("f.png", a_picture(), "image/png")}
        httpx.post(f"{url}/api/template/addpictures/{number}", files=files, headers=headers)
        listed, shown = run("queue", "list"), run("queue", "show", number)
        approved = run("queue", "approve", number, "--set", "Height=3")
        (record,) = httpx.get(f"{url}/api/template").json()["templates"]
        picture = httpx.get(record["FrontPictureFile"])
        nothing = httpx.get(f"{url}/datastore_server/re-sync?verb=about.xml")

    assert len(admin) >= 40
    assert f"{number}\ttemplate\tHPE\tDL380\t" in listed
    assert "front picture f.png, 400 x 80 px" in shown
    assert "for a new template" in shown
    assert approved == "template 1 DL380 is published\n"
    assert (record["Height"], record["RearPictureFile"]) == ("3", "")
    assert picture.content == a_picture()
    assert nothing.status_code == 404
    assert "version 1" in run("template", "list")
    assert "approved" in run("template", "history", "1")


def test_keys_and_roles_are_given_and_taken(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", StringIO("a-key-from-before\n"))
    assert run("user", "add", "old@first.example", "--key-stdin") == ""
    run("user", "add", "new@first.example")
    run("manufacturer", "add", "HPE")
    run("user", "role", "new@first.example", "moderator", "hpe")
    run("user", "role", "old@first.example", "administrator")
    listed = run("user", "list")
    run("user", "revoke", "old@first.example")
    run("user", "role", "new@first.example", "moderator", "1", "--revoke")

    assert listed.splitlines() == [
        "new@first.example\tmoderator of 1",
        "old@first.example\tadministrator",
    ]
    assert run("user", "list").splitlines() == [
        "new@first.example\tsubmitter",
        "old@first.example\tadministrator\trevoked",
    ]
    assert len(run("user", "key", "old@first.example").strip()) >= 40


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("user", "add", "alice@first.example"), "exists already"),
        (("user", "add", "Alice@First.example"), "exists already"),
        (("user", "add", "ü"), "travels in a header"),
        (("user", "revoke", "nobody"), "user 'nobody' does not exist"),
        (("user", "role", "alice@first.example", "moderator"), "of a manufacturer"),
        (("user", "role", "alice@first.example", "moderator", "Dell"), "'Dell' does not exist"),
        (("user", "role", "alice@first.example", "administrator", "HPE"), "of none"),
        (("manufacturer", "add", "hpe"), "HPE exists already"),
        (("manufacturer", "rename", "9", "x"), "manufacturer 9 does not exist"),
        (("template", "history", "9"), "template 9 does not exist"),
        (("queue", "show", "9"), "request 9 does not exist"),
        (("queue", "approve", "9"), "request 9 does not exist"),
        (("queue", "reject", "9", "--reason", "x"), "request 9 does not exist"),
    ],
)
def test_mistakes_are_told(run: Run, arguments: tuple[str, ...], told: str) -> None:
    run("user", "add", "alice@first.example")
    run("manufacturer", "add", "HPE")

    assert told in run(*arguments, code=1 if "exists already" in told and "hpe" in arguments else 2)


def test_a_short_key_is_refused(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", StringIO("short\n"))

    assert "at least 12 characters" in run("user", "add", "a@b.example", "--key-stdin", code=2)
    assert run("user", "list") == ""


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("opendcim-repositry = true", "did you mean opendcim-repository?"),
        ("opendcim-repository-database-url = mysql://u:p@h/d", "must be sqlite:///<file> or"),
        ("opendcim-minimum-interval = daily", "'daily' is no duration"),
        ("opendcim-allowance = 0", "must be at least 1"),
        ("opendcim-max-picture = big", "'big' is no size"),
        ("opendcim-repository-address = repository.example", "http or https URL"),
    ],
)
def test_a_typing_error_in_the_settings_is_told_with_its_line(
    config: Path, capsys: pytest.CaptureFixture[str], line: str, told: str
) -> None:
    config.write_text(f"{config.read_text()}{line}\n")

    assert main(["serve", "--config", str(config)]) == 2
    err = capsys.readouterr().err
    assert f"{config}:4: " in err
    assert told in err
    assert ":p@" not in err


def test_nothing_to_serve_is_told(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text("catalogue = none\n")

    assert main(["serve", "--config", str(config)]) == 2
    assert "set opendcim-repository" in capsys.readouterr().err


def test_a_place_for_pictures_that_is_none_is_told(
    config: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    config.write_text(f"{config.read_text()}opendcim-repository-pictures-dir = file/pictures\n")

    assert main(["serve", "--config", str(config)]) == 2
    assert "opendcim-repository-pictures-dir" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["user", "list"], "source-server opendcim user"),
        (["load", "/dev/null"], "set it to embedded"),
        (["document", "about"], "catalogue = none"),
    ],
)
def test_without_an_openbis_its_commands_say_so(
    config: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    assert main([*arguments, "--config", str(config)]) == 2
    assert told in capsys.readouterr().err


def test_pictures_that_nothing_needs_are_removed(config: Path, run: Run, tmp_path: Path) -> None:
    alice = run("user", "add", "alice@first.example").strip()
    run("manufacturer", "add", "HPE")
    headers = {"APIKey": alice}
    with served(config) as url:
        for color, model in enumerate(("kept", "rejected", "pending")):
            tree = a_submission(model, FrontPictureFile="f.png")
            answer = httpx.put(f"{url}/api/template", json=tree, headers=headers)
            number = answer.json()["template"]["RequestID"]
            files = {"front": ("f.png", a_picture(color=color), "image/png")}
            httpx.post(f"{url}/api/template/addpictures/{number}", files=files, headers=headers)
    run("queue", "approve", "1")
    run("queue", "reject", "2", "--reason", "no")
    early = run("tidy")
    pictures = [p for p in (tmp_path / "data" / "opendcim-pictures").rglob("*") if p.is_file()]
    for picture in pictures:
        os.utime(picture, (0, 0))

    assert early == "0 pictures removed\n"
    assert run("tidy") == "1 pictures removed\n"
    left = {p.read_bytes() for p in pictures if p.exists()}
    assert left == {a_picture(color=0), a_picture(color=2)}


def test_the_queue_of_manufacturers_and_updates_from_the_command_line(
    config: Path, run: Run
) -> None:
    alice = run("user", "add", "alice@first.example").strip()
    headers = {"APIKey": alice}
    with served(config) as url:
        httpx.put(f"{url}/api/manufacturer", data={"Name": "dell inc"}, headers=headers)
        listed, shown = run("queue", "list"), run("queue", "show", "1")
        assert "has only a Name" in run("queue", "approve", "1", "--set", "Height=2", code=2)
        approved = run("queue", "approve", "1", "--set", "Name=Dell")
        run("manufacturer", "rename", "1", "Dell EMC")
        details = {"Managed": 1, "OID1": "1.3"}
        for volts in (208, 230):
            tree = a_submission("PDU", DeviceType="CDU", cdutemplate={**details, "Voltage": volts})
            httpx.put(f"{url}/api/template", json=tree, headers=headers)
            number = 2 if volts == 208 else 3
            update = run("queue", "show", str(number))
            run("queue", "approve", str(number), "--set", "CDU Amperage=16")
        tree = a_submission("Bad", FrontPictureFile="f.png")
        httpx.put(f"{url}/api/template", json=tree, headers=headers)
        wrong = run("queue", "approve", "4", "--set", "Colour=red", code=5)
        incomplete = run("queue", "approve", "4", "--set", "Height", code=2)
        run("queue", "reject", "4", "--reason", "wrong")

    assert listed.startswith("1\tmanufacturer\t\tdell inc\t")
    assert "state pending" in shown
    assert approved == "manufacturer 1 Dell is published\n"
    assert run("manufacturer", "list").startswith("1\tDell EMC\t")
    assert "* CDU Voltage: 230 V  (published: 208 V)" in update
    assert "Colour: there is no such member" in wrong
    assert "write MEMBER=VALUE" in incomplete
    assert "by operator: wrong" in run("queue", "show", "4")
    assert "CDU Voltage: 208 V -> 230 V" in run("template", "history", "1")
