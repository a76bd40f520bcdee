"""The command line of the source server: every command on a real store, serve as a process."""

from __future__ import annotations

import getpass
import io
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from source_server.__main__ import main
from source_server.commands.seats import listening
from source_server.demo.commands import DEMO_PASSWORD, DEMO_USER
from source_server.settings import SourceSettings

PROJECT = Path(__file__).parents[2]


@dataclass(frozen=True, kw_only=True)
class Shell:
    """Runs commands on the settings of one folder."""

    folder: Path
    capture: pytest.CaptureFixture[bytes]
    patch: pytest.MonkeyPatch

    @property
    def config(self) -> Path:
        return self.folder / "s.properties"

    def settings(self, text: str) -> None:
        self.config.write_text(text)

    def run(self, *arguments: str, stdin: str = "") -> tuple[int, str, str]:
        """Exit code, standard output, standard error."""
        self.patch.setattr(sys, "stdin", io.StringIO(stdin))
        self.capture.readouterr()
        code = main([*arguments, "--config", str(self.config)])
        out, err = self.capture.readouterr()
        return code, out.decode(), err.decode()

    def succeed(self, *arguments: str, stdin: str = "") -> str:
        code, out, err = self.run(*arguments, stdin=stdin)
        assert (code, err) == (0, "")
        return out

    def fail(self, code: int, *arguments: str, stdin: str = "") -> str:
        actual, out, err = self.run(*arguments, stdin=stdin)
        assert (actual, out) == (code, "")
        assert "Traceback" not in err
        return err


@pytest.fixture
def shell(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> Shell:
    shell = Shell(folder=tmp_path, capture=capfdbinary, patch=monkeypatch)
    shell.settings("")
    return shell


@pytest.fixture
def demo(shell: Shell) -> Shell:
    shell.succeed("demo")
    return shell


def without_time(document: str) -> str:
    """Documents of two moments differ in their ``at``, which is the master data's time too."""
    at = re.search(r'<rs:md at="([^"]*)"', document)
    assert at
    return document.replace(at[1], "AT")


def test_without_an_instance_it_is_told_how_to_get_one(shell: Shell) -> None:
    for command in (["serve"], ["document", "about"], ["user", "list"]):
        assert "source-server demo" in shell.fail(2, *command)


def test_the_documents_are_written_to_standard_output(demo: Shell) -> None:
    about = demo.succeed("document", "about")
    capabilities = demo.succeed("document", "capabilitylist")
    resources = demo.succeed("document", "resourcelist")

    assert 'capability="description"' in about
    assert 'capability="capabilitylist"' in capabilities
    assert resources.startswith("<?xml")
    assert resources.endswith("</urlset>")
    assert 'kind="SAMPLE"' in resources
    assert 'kind="AFS_DATA"' in resources


def test_a_list_is_loaded_and_written_again_without_loss(demo: Shell, tmp_path: Path) -> None:
    written = demo.succeed("document", "resourcelist")
    (tmp_path / "list.xml").write_text(written)
    demo.settings("database-url = sqlite:///other.db\nstoreroot-dir = other\n")
    demo.succeed("load", str(tmp_path / "list.xml"))

    again = demo.succeed("document", "resourcelist")
    marks = re.findall(r' unknown="(\S+ \S+?)[" ]', again)

    # no file was loaded with it
    assert set(marks) == {"files not-mounted", "attachments not-mounted"}
    assert without_time(re.sub(' unknown="[^"]*"', "", again)) == without_time(written)


def test_a_list_that_is_cut_is_not_loaded_at_all(demo: Shell, tmp_path: Path) -> None:
    written = demo.succeed("document", "resourcelist")
    (tmp_path / "cut.xml").write_text(written[: len(written) // 2])
    demo.settings("database-url = sqlite:///other.db\nstoreroot-dir = other\n")
    message = demo.fail(5, "load", str(tmp_path / "cut.xml"))

    assert "cut.xml" in message
    assert 'kind="' not in demo.succeed("document", "resourcelist")


def test_a_file_that_is_missing_is_named_and_makes_no_instance(shell: Shell) -> None:
    assert "no.xml: cannot be read" in shell.fail(2, "load", "no.xml")
    assert not (shell.folder / "data").exists()


def test_the_next_day_of_the_demo_changes_it(demo: Shell) -> None:
    before = demo.succeed("document", "resourcelist")
    demo.succeed("demo", "--next-day")

    assert without_time(demo.succeed("document", "resourcelist")) != without_time(before)


def test_users_are_added_changed_and_listed(demo: Shell) -> None:
    demo.succeed("user", "add", "mira", "--password-stdin", stdin="s:e ü\n")
    assert "mira\tno role" in demo.succeed("user", "list").splitlines()
    demo.succeed("user", "role", "mira", "OBSERVER", "/KITCHEN")
    demo.succeed("user", "role", "mira", "ADMIN")
    assert "mira\tADMIN instance, OBSERVER /KITCHEN" in demo.succeed("user", "list").splitlines()
    demo.succeed("user", "role", "MIRA", "ADMIN", "--revoke")
    assert "mira\tOBSERVER /KITCHEN" in demo.succeed("user", "list").splitlines()
    assert "exists already" in demo.fail(
        2, "user", "add", "mira", "--password-stdin", stdin="other\n"
    )


def test_a_document_shows_what_a_user_may_see(demo: Shell) -> None:
    demo.succeed("user", "add", "mira", "--password-stdin", stdin="x\n")
    refused = demo.fail(2, "document", "resourcelist", "--user", "mira")
    demo.succeed("user", "role", "mira", "OBSERVER", "/NOWHERE")
    nothing = demo.succeed("document", "resourcelist", "--user", "mira")
    everything = demo.succeed("document", "resourcelist", "--user", DEMO_USER)

    assert "no role" in refused
    assert 'kind="SPACE"' not in nothing
    assert without_time(everything) == without_time(demo.succeed("document", "resourcelist"))


def test_a_document_can_be_what_a_harvester_of_openbis_7_gets(demo: Shell) -> None:
    space = re.findall(r'<x:xd code="([^"]*)"[^>]* kind="SPACE"', demo.succeed(*WHOLE))[0]
    alone = ("--exportable-perm-id", f"SPACE:{space}")
    assert demo.succeed(*WHOLE, *alone).count("<x:xd") == 1
    assert demo.succeed(*WHOLE, *alone, "--with-levels-below").count("<x:xd") > 5
    refused = demo.fail(1, *WHOLE, "--exportable-perm-id", "SPACE:NOWHERE")
    assert "SPACE:NOWHERE does not exist or may not be seen" in refused


WHOLE = ("document", "resourcelist")


def test_a_document_can_be_limited_to_spaces(demo: Shell) -> None:
    none = demo.succeed("document", "resourcelist", "--black-list", ".*")
    same = demo.succeed("document", "resourcelist", "--white-list", "X,", "--white-list", ".*")

    assert 'kind="SPACE"' not in none
    assert without_time(same) == without_time(demo.succeed("document", "resourcelist"))
    assert "--white-list: the pattern '('" in demo.fail(
        1, "document", "resourcelist", "--white-list", "("
    )


@pytest.mark.parametrize("user", ["a:b", " ", "a\nb", ""])
def test_a_user_id_must_be_usable(demo: Shell, user: str) -> None:
    assert "cannot be a user id" in demo.fail(2, "user", "add", user, "--password-stdin")


@pytest.mark.parametrize("place", ["KITCHEN", "/", "/a", "/A/B/C", "/A//B"])
def test_a_role_is_given_in_a_space_or_project(demo: Shell, place: str) -> None:
    assert "/SPACE" in demo.fail(2, "user", "role", DEMO_USER, "OBSERVER", place)


def test_users_who_do_not_exist_are_not_made_by_the_way(demo: Shell) -> None:
    assert "does not exist" in demo.fail(2, "user", "role", "otto", "ADMIN")
    assert "does not exist" in demo.fail(
        2, "user", "passwd", "otto", "--password-stdin", stdin="x\n"
    )


def test_an_empty_password_is_refused(demo: Shell) -> None:
    for stdin in ("", "\n"):
        assert "empty" in demo.fail(2, "user", "add", "mira", "--password-stdin", stdin=stdin)
    assert "mira" not in demo.succeed("user", "list")


def test_a_password_is_asked_for_twice(demo: Shell) -> None:
    answers: Iterator[str] = iter(["one", "two", "same", "same"])
    demo.patch.setattr(getpass, "getpass", lambda _prompt: next(answers))

    assert "differ" in demo.fail(2, "user", "add", "mira")
    demo.succeed("user", "add", "mira")
    assert "mira" in demo.succeed("user", "list")


OPENBIS = "catalogue = openbis\ndatabase-url = postgresql://localhost/\n"


def test_users_for_an_openbis_are_kept_in_a_file_of_ours(shell: Shell) -> None:
    shell.settings(f"{OPENBIS}users-file = users.json\n")
    shell.succeed("user", "add", "mira", "--password-stdin", stdin="one\n")
    shell.succeed("user", "passwd", "mira", "--password-stdin", stdin="two\n")

    assert shell.succeed("user", "list") == "mira\n"
    assert "$argon2" in (shell.folder / "users.json").read_text()
    assert "in openBIS itself" in shell.fail(2, "user", "role", "mira", "ADMIN")


def test_the_users_of_openbis_are_not_ours_to_change(shell: Shell) -> None:
    shell.settings(f"{OPENBIS}password-file = passwd\n")
    assert "users-file is missing" in shell.fail(2, "user", "list")


def test_nothing_is_ever_loaded_into_an_openbis(shell: Shell) -> None:
    shell.settings(f"{OPENBIS}users-file = users.json\n")
    (shell.folder / "list.xml").write_text("<urlset/>")
    assert "only read" in shell.fail(2, "demo")
    assert "only read" in shell.fail(2, "load", str(shell.folder / "list.xml"))


def test_all_faults_of_the_settings_are_told_line_by_line(shell: Shell) -> None:
    shell.settings("port = x\nbase-dri = .\n")
    lines = shell.fail(2, "serve").splitlines()

    assert len(lines) == 2
    assert all(line.startswith("source-server: ") for line in lines)


def test_a_port_that_is_taken_is_named(demo: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        demo.settings(f"port = {port}\n")
        message = demo.fail(2, "serve")

    assert f"port = {port}: cannot listen there" in message


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_small_answers_are_sent_without_delay(address: str) -> None:
    with (
        listening(SourceSettings(address=address, port=0)) as listener,
        socket.create_connection(listener.getsockname()[:2]) as client,
    ):
        accepted, _ = listener.accept()
        with accepted:
            undelayed = accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert client.getpeername()[0] == address

    assert undelayed


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_publishes_until_it_is_told_to_stop(demo: Shell, number: signal.Signals) -> None:
    demo.settings("port = 0\n")
    command = [sys.executable, "-m", "source_server", "serve", "--config", str(demo.config)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=PROJECT) as process:
        try:
            assert process.stderr
            address = re.search(r"http://\S+", process.stderr.readline())
            assert address
            answer = httpx.get(
                f"{address[0]}?verb=resourcelist.xml", auth=(DEMO_USER, DEMO_PASSWORD)
            )
            refused = httpx.get(address[0], auth=(DEMO_USER, "wrong"))
            process.send_signal(number)
            log = process.stderr.read()
            code = process.wait(60)
        finally:
            process.kill()

    assert answer.status_code == 200
    assert answer.text.endswith("</urlset>")
    assert "server" not in answer.headers
    assert refused.status_code == 401
    assert code == 0
    assert "Traceback" not in log


def test_a_reader_that_stops_reading_ends_the_command_quietly(demo: Shell) -> None:
    command = [sys.executable, "-m", "source_server", "document", "resourcelist"]
    with subprocess.Popen(
        [*command, "--config", str(demo.config)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=PROJECT,
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        message = process.stderr.read()
        code = process.wait(60)

    assert code == 141
    assert message == b""
