"""Our own file of users: written whole, read anew, and never guessed at."""

from __future__ import annotations

import json
import os
import stat
import threading
from pathlib import Path

import pytest

from shared.errors import ConfigError
from shared.passwords import hash_password
from source_server.users.users_file import UsersFile


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "conf" / "users.json"


def test_a_file_that_is_not_there_has_no_users(file: Path) -> None:
    users = UsersFile(file)
    assert users.password_hash("mira") is None
    assert users.user_ids() == []


def test_what_is_added_is_found_and_verified(file: Path) -> None:
    UsersFile(file).add("mira", hash_password("a:b ü"))
    users = UsersFile(file)
    stored = users.password_hash("mira")

    assert stored is not None
    assert users.verify(stored, "a:b ü")
    assert not users.verify(stored, "a")
    assert users.password_hash("MIRA") is None


def test_the_file_can_be_read_by_its_owner_only(file: Path) -> None:
    before = os.umask(0o022)
    try:
        UsersFile(file).add("mira", "hash")
    finally:
        os.umask(before)

    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_file_keeps_the_mode_that_its_operator_gave_it(file: Path) -> None:
    UsersFile(file).add("mira", "hash")
    file.chmod(0o640)
    UsersFile(file).add("otto", "hash")

    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert sorted(path.name for path in file.parent.iterdir()) == [".users.json.lock", "users.json"]


def test_a_change_is_noticed_by_a_running_server(file: Path) -> None:
    running, command = UsersFile(file), UsersFile(file)
    command.add("otto", "one")
    first = running.password_hash("otto")
    command.set_password("otto", "two")
    second = running.password_hash("otto")
    file.unlink()

    assert (first, second, running.password_hash("otto")) == ("one", "two", None)


def test_users_are_added_once_and_only_known_ones_changed(file: Path) -> None:
    users = UsersFile(file)
    users.add("mira", "one")
    with pytest.raises(ConfigError, match=r"'mira' exists already; .* user passwd"):
        users.add("mira", "two")
    with pytest.raises(ConfigError, match="'otto' does not exist; add the user first"):
        users.set_password("otto", "two")

    assert users.password_hash("mira") == "one"
    assert users.user_ids() == ["mira"]


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '{"users": []}', '{"users": {"m": "hash"}}', '{"users": {"m": {}}}'],
)
def test_a_file_that_is_not_understood_is_an_error_and_stays(file: Path, text: str) -> None:
    file.parent.mkdir()
    file.write_text(text)
    users = UsersFile(file)
    with pytest.raises(ConfigError, match=r"users\.json"):
        users.password_hash("m")
    with pytest.raises(ConfigError, match=r"users\.json"):
        users.add("x", "hash")

    assert file.read_text() == text


def test_users_added_at_the_same_time_are_all_kept(file: Path) -> None:
    threads = [
        threading.Thread(target=UsersFile(file).add, args=(f"user{number}", "hash"))
        for number in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(json.loads(file.read_text())["users"]) == 12
