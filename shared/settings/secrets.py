"""Secrets, which may be in files or environment variables of their own.

Every secret can also be given by ``<key>-file``, which names a file that holds only the secret, or
by the value ``env:NAME``, which names an environment variable. The text after ``literal:`` is the
secret itself, whatever it begins with. Files and variables are read whenever the settings are. No
message shows a secret, nor a value that may be one.
"""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from shared.masking import remember_secrets
from shared.settings.faults import Fault, placeholder_in
from shared.settings.model import Given, Settings, secret_keys_of
from shared.settings.permissions import exposure
from shared.settings.places import absolute_below

_VARIABLE = "env:"
_LITERAL = "literal:"
# Bytes.
_LARGEST = 4096
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# A name that may be shown. Another text after ``env:`` might be part of a password.
_UNMISTAKABLE = re.compile(r"[A-Z_][A-Z0-9_]*")
_DATABASES = frozenset({"sqlite", "postgresql", "postgres", "mysql", "mariadb"})
_ALONE = "it must hold the secret and nothing else"


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """``given`` has all entries, with the secrets themselves. ``unread`` has the keys whose secrets
    could not be read."""

    given: dict[str, Given]
    unread: set[str] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)


def file_keys_of(model: type[Settings]) -> dict[str, str]:
    """The keys that name files of secrets, with the keys of the secrets."""
    return {f"{key}-file": key for key in sorted(secret_keys_of(model))}


def resolve_secrets(
    model: type[Settings], given: Mapping[str, Given], *, base: Path, environ: Mapping[str, str]
) -> Secrets:
    """Read the secrets of a model. Relative paths begin at ``base``."""
    keys = file_keys_of(model)
    found = Secrets(given={key: entry for key, entry in given.items() if key not in keys})
    for file_key, key in keys.items():
        try:
            if file_key in given:
                found.given[key] = _from_file(found, given, (file_key, key), base)
            elif key in given:
                found.given[key] = _from_value(given[key], environ)
        except ValueError as error:
            at_fault = file_key if file_key in given else key
            found.faults.append(Fault(place=given[at_fault].place, text=f"{at_fault}: {error}"))
            found.unread.add(key)
            found.given.pop(key, None)
    remember_secrets(*(part for key in keys.values() for part in _parts(found.given.get(key))))
    return found


def exposed_secrets(model: type[Settings], path: Path, given: Mapping[str, Given]) -> str | None:
    """A warning if other users can read secrets in the file ``path`` with these entries."""
    shown = [key for key in secret_keys_of(model) if key in given and _is_shown(given[key].value)]
    if not shown:
        return None
    readers = exposure(path, path.stat())
    return readers and f"{path}: it holds passwords and is {readers}"


def _from_file(
    found: Secrets, given: Mapping[str, Given], keys: tuple[str, str], base: Path
) -> Given:
    file_key, key = keys
    entry = given[file_key]
    if key in given:
        raise ValueError(f"{key} is given too ({given[key].place}); remove one of them")
    if gap := placeholder_in(entry.value):
        raise ValueError(f"fill in {gap}")
    path = absolute_below(base, Path(entry.value))
    content, readers = _read(path, base)
    if readers:
        found.warnings.append(Fault(place=entry.place, text=f"{file_key}: {path} is {readers}"))
    try:
        secret = _secret_in(content)
    except ValueError as error:
        raise ValueError(f"{path} {error}") from error
    return Given(value=secret, place=entry.place)


def _read(path: Path, base: Path) -> tuple[bytes, str | None]:
    """The content of a file, and its `exposure`."""
    try:
        if path.exists() and not path.is_file():
            raise ValueError(f"{path} is no file; name one with the secret in it")
        with path.open("rb") as file:
            content, status = file.read(2 * _LARGEST), os.fstat(file.fileno())
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ValueError(
            f"there is no such file; correct the path (a relative one begins at {base}), or "
            "create the file with the secret in it"
        ) from error
    except OSError as error:
        raise ValueError(
            f"the file cannot be read: {error.strerror}; let the user of this program read it"
        ) from error
    return content, exposure(path, status)


def _from_value(entry: Given, environ: Mapping[str, str]) -> Given:
    value = entry.value
    if value.startswith(_LITERAL):
        secret = value.removeprefix(_LITERAL)
        if not secret:
            raise ValueError(f"the secret is missing behind {_LITERAL}")
    elif value.startswith(_VARIABLE):
        secret = _of_variable(value.removeprefix(_VARIABLE).strip(), environ)
    else:
        secret = value
    return Given(value=secret, place=entry.place)


def _of_variable(name: str, environ: Mapping[str, str]) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"the name of an environment variable must follow {_VARIABLE}; if this is the secret "
            f"itself, write {_LITERAL} before it"
        )
    named = f"the environment variable {name}" if _UNMISTAKABLE.fullmatch(name) else "the variable"
    if name not in environ:
        raise ValueError(
            f"{named} is not set; set it for this program, or write {_LITERAL} before a secret "
            f"that begins with {_VARIABLE}"
        )
    try:
        return _secret_in(os.fsencode(environ[name]))
    except ValueError as error:
        raise ValueError(f"{named} {error}") from error


def _secret_in(content: bytes) -> str:
    """The secret without the final line break. Blanks at its ends belong to it."""
    line = re.sub(rb"\r?\n\Z", b"", content.removeprefix(codecs.BOM_UTF8))
    if not line:
        raise ValueError("is empty; write the secret into it")
    if not line.strip():
        raise ValueError("holds nothing but blanks; write the secret into it")
    if len(line) > _LARGEST:
        raise ValueError(f"holds more than {_LARGEST:,} bytes; {_ALONE}")
    if re.search(rb"[\r\n]", line):
        raise ValueError(f"has several lines; {_ALONE}")
    secret = line.decode(errors="replace")
    if re.search(r"[\x00-\x08\x0b-\x1f\x7f\ufffd]", secret):
        raise ValueError("is no text in UTF-8; write it anew")
    return secret


def _parts(entry: Given | None) -> Iterator[str]:
    """The texts to mask: the secret, or the secret parts of a database's address."""
    if entry is None:
        return
    try:
        url = make_url(entry.value)
    except (ArgumentError, ValueError):
        url = None
    if url is None or url.get_backend_name() not in _DATABASES:
        yield entry.value
        return
    for name in ("password", "passwd", "sslpassword"):
        given = url.query.get(name, ())
        yield from (given,) if isinstance(given, str) else given
    if url.password is not None:
        yield str(url.password)


def _is_shown(value: str) -> bool:
    """Whether a value in a file is a secret: no name of a variable, and no address of a database
    without a password."""
    if value.startswith(_VARIABLE):
        return False
    try:
        url = make_url(value.removeprefix(_LITERAL))
    except (ArgumentError, ValueError):
        return value.lower() not in {"", "none"}
    if url.get_backend_name() not in _DATABASES:
        return True
    return url.password is not None or "password" in url.query
