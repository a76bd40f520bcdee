"""The file of bearer tokens, for programs that know no passwords (stock ResourceSync clients).

JSON: ``{"tokens": {"<id>": {"user": "mira", "sha256": "...", "created": "...", "expires": null,
"note": "..."}}}``. Of a token only a hash is kept. A plain SHA-256 suffices, since a token has 256
random bits. The rights are those of its user when it is used.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from shared.errors import ConfigError
from shared.resourcesync.timestamps import format_timestamp, parse_timestamp
from source_server.users.kept_file import KeptFile

_PREFIX = "obsync"
_ID_BYTES = 5
_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token without its secret. ``expires``: it counts before this time; None: for ever."""

    id: str
    user_id: str
    sha256: str
    created: datetime
    expires: datetime | None = None
    note: str = ""

    def counts_at(self, now: datetime) -> bool:
        return self.expires is None or now < self.expires


def id_of(token: str) -> str:
    """The id that a token names; nothing for a text that is no token."""
    prefix, _, rest = token.partition("_")
    name, _, secret = rest.partition("_")
    return name if prefix == _PREFIX and secret else ""


class TokensFile:
    """The tokens, read again whenever the file has changed. A missing file has none."""

    def __init__(self, path: Path) -> None:
        self._file = KeptFile(path, _read, _to_json)

    def user_of(self, token: str) -> str | None:
        """The user of a token that counts now; else None. Raises `ConfigError` if the file cannot
        be understood."""
        known = self._file.current().get(id_of(token))
        if known is None or not secrets.compare_digest(known.sha256, _digest(token)):
            return None
        return known.user_id if known.counts_at(datetime.now(UTC)) else None

    def tokens(self) -> list[Token]:
        """All tokens, by user, the oldest first."""
        return sorted(self._file.current().values(), key=lambda each: (each.user_id, each.created))

    def add(self, user_id: str, *, lifetime: timedelta | None = None, note: str = "") -> str:
        """Make a token for a user. Returns it; nothing can show it again."""
        now = datetime.now(UTC).replace(microsecond=0)
        with self._file.changing() as known:
            name = _new_id(known)
            token = f"{_PREFIX}_{name}_{secrets.token_urlsafe(_SECRET_BYTES)}"
            known[name] = Token(
                id=name,
                user_id=user_id,
                sha256=_digest(token),
                created=now,
                expires=None if lifetime is None else now + lifetime,
                note=note,
            )
        return token

    def remove(self, name: str) -> None:
        """Remove the token with this id. Raises `ConfigError` if there is none."""
        with self._file.changing() as known:
            if name not in known:
                raise ConfigError(
                    f"{self._file.path}: there is no token with the id {name!r}; all are shown by: "
                    "source-server user token list"
                )
            del known[name]


def _new_id(known: dict[str, Token]) -> str:
    while (name := secrets.token_hex(_ID_BYTES)) in known:
        continue
    return name


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _read(path: Path) -> dict[str, Token]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {name: _token(name, entry) for name, entry in content["tokens"].items()}
    except OSError as error:
        raise ConfigError(f"{path}: the file of tokens cannot be read: {error}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"{path}: this is no file of tokens; it is written by: source-server user token add"
        ) from error


def _token(name: str, entry: dict[str, Any]) -> Token:
    """Raises `KeyError`, `TypeError` or `ValueError` if the entry is none."""
    texts = {key: entry[key] for key in ("user", "sha256", "created", "note")}
    if not all(isinstance(text, str) for text in texts.values()):
        raise TypeError(name)
    expires = entry["expires"]
    return Token(
        id=name,
        user_id=texts["user"],
        sha256=texts["sha256"],
        created=parse_timestamp(texts["created"]),
        expires=None if expires is None else parse_timestamp(expires),
        note=texts["note"],
    )


def _to_json(known: dict[str, Token]) -> Any:
    return {
        "tokens": {
            each.id: {
                "user": each.user_id,
                "sha256": each.sha256,
                "created": format_timestamp(each.created),
                "expires": None if each.expires is None else format_timestamp(each.expires),
                "note": each.note,
            }
            for each in sorted(known.values(), key=lambda each: each.id)
        }
    }
