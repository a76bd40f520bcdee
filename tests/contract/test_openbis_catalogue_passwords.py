"""openBIS's own password file."""

from __future__ import annotations

import base64
import logging
from hashlib import sha1
from pathlib import Path

import pytest

from shared.errors import ConfigError
from source_server.catalogues.openbis.passwords import PasswordFile


def hashed(password: str, salt: bytes = b"\x00\xff\x10:") -> str:
    digest = sha1(salt + password.encode(), usedforsecurity=False).digest()
    return base64.b64encode(salt + digest).decode()


def line(user_id: str, password: str) -> str:
    return f"{user_id}:{user_id}@example.org:Mira:Example:{hashed(password)}"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "passwd"


@pytest.mark.parametrize("password", ["secret", "", "pass:wörd with blanks ", "日本語", "\udcff"])
def test_the_right_password_is_accepted_and_no_other(file: Path, password: str) -> None:
    salted = b"salt" + password.encode("utf-8", "surrogatepass")
    stored = base64.b64encode(b"salt" + sha1(salted, usedforsecurity=False).digest()).decode()
    file.write_text(f"mira:m@example.org:Mira:Example:{stored}\n")
    passwords = PasswordFile(file)

    assert passwords.accepts("mira", password)
    for wrong in (password + "x", password.upper() + "X", "other"):
        assert not passwords.accepts("mira", wrong)


def test_a_hash_that_was_made_elsewhere_fits(file: Path) -> None:
    """Made with openssl: the bytes 01 02 03 04, and SHA-1 of them followed by ``secret``."""
    file.write_text("mira::::AQIDBL8TxZf/soi6HQE8J3xqIpqOl2ta\n")

    assert PasswordFile(file).accepts("mira", "secret")


@pytest.mark.parametrize("user_id", ["otto", "Mira", "mira ", ""])
def test_an_unknown_user_is_refused(file: Path, user_id: str) -> None:
    file.write_text(line("mira", "secret"))
    passwords = PasswordFile(file)

    assert not passwords.accepts(user_id, "secret")
    assert passwords.password_hash(user_id) is None


def test_a_user_without_a_hash_cannot_log_in(file: Path) -> None:
    file.write_text("mira:m@example.org:Mira:Example:\n")
    passwords = PasswordFile(file)

    assert passwords.password_hash("mira") is None
    assert not passwords.accepts("mira", "")


def test_a_cache_has_a_sixth_field(file: Path) -> None:
    file.write_text(f"{line('mira', 'secret')}:1700000000000\r\n")

    assert PasswordFile(file).accepts("mira", "secret")


@pytest.mark.parametrize(
    "bad",
    [
        b"otto:o@example.org:Otto:AAAA",
        b"otto:o@example.org:Otto:Ex:ample:" + hashed("x").encode() + b":1",
        b"otto:::: not base64 ",
        b"otto::::" + base64.b64encode(b"too short"),
        b"otto:\xff:::" + hashed("x").encode(),
    ],
)
def test_a_damaged_line_is_reported_by_number_and_harms_nobody_else(
    file: Path, bad: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    good = line("mira", "secret").encode()
    file.write_bytes(b"\n".join([good, b"", bad, line("vera", "other").encode()]))

    with caplog.at_level(logging.WARNING):
        passwords = PasswordFile(file)

    assert passwords.accepts("mira", "secret")
    assert passwords.accepts("vera", "other")
    assert not passwords.accepts("otto", "x")
    assert f"{file}:3: " in caplog.text
    assert "otto" not in caplog.text


def test_the_file_is_read_again_when_it_has_changed(file: Path) -> None:
    file.write_text(line("mira", "secret"))
    passwords = PasswordFile(file)
    assert passwords.accepts("mira", "secret")

    fresh = file.with_suffix(".tmp")
    fresh.write_text(line("mira", "changed"))
    fresh.rename(file)

    assert not passwords.accepts("mira", "secret")
    assert passwords.accepts("mira", "changed")


def test_while_the_file_is_away_the_last_one_counts(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file.write_text(line("mira", "secret"))
    passwords = PasswordFile(file)
    file.unlink()

    with caplog.at_level(logging.WARNING):
        assert passwords.accepts("mira", "secret")
    assert str(file) in caplog.text


def test_a_file_that_is_not_there_at_first_is_a_fault_of_the_settings(file: Path) -> None:
    with pytest.raises(ConfigError, match="passwd cannot be read: No such file"):
        PasswordFile(file)
