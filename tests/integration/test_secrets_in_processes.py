"""No password in any settings file, and none in anything the programs say."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.instances.full_instance import FullInstance
from tests.support.instances.harvests import Harvest, Result
from tests.support.instances.instance import PASSWORD, PROJECT, Instance, hashed
from tests.support.instances.settings_files import write_private

HERE, MAIL = "secret", "sm:tp pass"
# ``secret`` is a word of our messages, too.
SECRETS = (PASSWORD, MAIL, "hunter2")


def command(harvest: Harvest, name: str, **variables: str) -> Result:
    """As a process: its whole output."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "harvester",
            name,
            "--config",
            f"{harvest.root}/harvester.properties",
        ],
        capture_output=True,
        text=True,
        cwd=PROJECT,
        env={**os.environ, **variables},
        check=False,
    )
    return Result(done.returncode, done.stdout + done.stderr)


def said(harvest: Harvest, *results: Result) -> str:
    """All that the operator can read, anywhere."""
    files = [*harvest.root.glob("*.log*"), *harvest.root.glob("*.txt")]
    texts = [file.read_text() for file in files if file.name != "harvester-config.txt"]
    return "".join([*texts, *(result.output for result in results)])


@pytest.fixture
def hidden(harvest: Harvest) -> Harvest:
    """A harvester whose settings name only where its passwords are."""
    write_private(harvest.root / "source-pass", f"{PASSWORD}\n")
    write_private(harvest.root / "database", f"sqlite:///{harvest.root}/instance.db\n")
    harvest._properties.pop()
    harvest.add_properties(
        "database-url-file = database",
        "mail.smtp.host = 127.0.0.1",
        "mail.smtp.port = 9",
        "mail.from = harvester@example.org",
        "mail.smtp.user = mira",
        "mail.smtp.password = env:SMTP_PASSWORD",
    )
    return harvest


def test_a_harvest_whose_passwords_lie_in_files_and_variables_shows_none_of_them(
    source: Instance, full_instance: FullInstance, hidden: Harvest
) -> None:
    variables = {"SMTP_PASSWORD": MAIL, "DESTINATION": HERE}
    keys = {
        "data_source_auth_pass": "",
        "data_source_auth_pass_file": "source-pass",
        "harvester_pass": "env:DESTINATION",
        "email_addresses": "mira@example.org",
    }
    with source.served() as url:
        hidden.section("DS1", url, **keys)
        for file in ("harvester.properties", "harvester-config.txt"):
            (hidden.root / file).chmod(0o644)
        init = command(hidden, "init", **variables)
        check = command(hidden, "check-config", **variables)
        run = command(hidden, "run", **variables)
    assert (init.code, check.code, run.code) == (0, 0, 0), run.output
    assert "warning" not in (init.output + check.output + run.output).lower()
    assert hidden.instance.codes(full_instance.brew.kind)
    assert not any(secret in said(hidden, init, check, run) for secret in SECRETS)


def test_a_secret_file_that_is_rotated_is_used_by_the_next_run(
    source: Instance, full_instance: FullInstance, harvest: Harvest
) -> None:
    secret = harvest.root / "source-pass"
    with source.served() as url:
        harvest.section(
            "DS1", url, data_source_auth_pass="", data_source_auth_pass_file=secret.name
        )
        harvest.init()
        write_private(secret, PASSWORD)
        assert harvest.run().code == 0
        source.execute(f"UPDATE person SET password_hash = '{hashed('hunter2')}'")  # noqa: S608
        refused = harvest.run()
        assert refused.code == 4
        write_private(secret, "hunter2\n")
        assert harvest.run().code == 0
    assert not any(word in said(harvest, refused) for word in SECRETS)
    assert full_instance.everything


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"data_source_auth_pass_file": "hunter2"}, "data-source-auth-pass is given too"),
        (
            {"data_source_auth_pass": "", "data_source_auth_pass_file": "hunter2"},
            "data-source-auth-pass-file: there is no such file",
        ),
        (
            {"data_source_auth_pass": "", "data_source_auth_pass_fil": "hunter2"},
            "data-source-auth-pass-fil: there is no such key; did you mean data-source-auth-pass-",
        ),
        (
            {"data_source_auth_pass": "env:hunter2"},
            "data-source-auth-pass: the variable is not set",
        ),
        ({"data_source_auth_pas": "hunter2"}, "did you mean data-source-auth-pass?"),
        ({"harvester_pass": "literal:hunter2"}, "harvester-pass: wrong password for 'admin'"),
    ],
)
def test_a_mistyped_password_key_is_told_and_no_password_with_it(
    harvest: Harvest, keys: dict[str, str], told: str
) -> None:
    harvest.init()
    harvest.section("DS1", "http://127.0.0.1:9", **keys)
    results = [harvest.command("check-config"), harvest.run()]
    assert [result.code for result in results] == [2, 2]
    for result in results:
        assert told in result.output
    assert not any(word in said(harvest, *results) for word in SECRETS)


def test_a_config_file_that_others_may_read_is_warned_of_on_standard_error(
    harvest: Harvest, capfd: pytest.CaptureFixture[str]
) -> None:
    harvest.add_properties("mail.smtp.user = mira", f"mail.smtp.password = {MAIL}")
    harvest.section("DS1", "http://127.0.0.1:9")
    harvest.init()
    for file in ("harvester.properties", "harvester-config.txt"):
        (harvest.root / file).chmod(0o644)
    done = command(harvest, "check-config")
    assert done.code == 0, done.output
    for file in ("harvester.properties", "harvester-config.txt"):
        path = harvest.root / file
        told = "it holds passwords and is readable by its group and others (mode 0644)"
        assert done.output.count(f"{path}: {told}; mend it with: chmod 600 {path}") == 1
    assert capfd.readouterr().out == ""


def test_the_source_server_warns_of_its_properties_on_standard_error(tmp_path: Path) -> None:
    file = tmp_path / "source.properties"
    file.write_text("database-url = postgresql://u:hunter2@127.0.0.1:9/x\n")
    file.chmod(0o644)
    done = subprocess.run(
        [sys.executable, "-m", "source_server", "user", "list", "--config", str(file)],
        capture_output=True,
        text=True,
        cwd=PROJECT,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.count(f"mend it with: chmod 600 {file}") == 1
    assert "hunter2" not in done.stdout + done.stderr
