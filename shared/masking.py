"""Masks secrets by their value, whatever text they occur in.

A driver, a data source or a URL may repeat a password that was given to it. So each secret is noted
when it is read from the settings, and what leaves the program as a message goes through `masked`:
the messages of all errors (`shared.errors`), the lines of logs with their tracebacks, and what the
command lines print. Names of items and JSON for programs are data and stay exact.
"""

from __future__ import annotations

import json
import re
import threading
from base64 import b64encode
from collections.abc import Iterator
from html import escape
from urllib.parse import quote, quote_plus

MASK = "***"
# Characters; a shorter secret would occur in many words.
_SHORTEST = 4
# Characters; a shorter secret is masked only as a whole word, and not at all if it is a word of
# lower-case letters, since a gap in a well-known sentence would reveal it.
_UNMISTAKABLE = 8
_WORD = re.compile(r"[a-z]+").fullmatch


class _Secrets:
    """The secrets known to this process, and the pattern that finds them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def add(self, *secrets: str) -> None:
        with self._lock:
            new = set(filter(_can_be_masked, secrets)) - self._known
            if not new:
                return
            self._known |= new
            forms = {form for each in self._known for form in _forms(each)}
            longest_first = sorted(forms, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(_found_as, longest_first)))

    def forget(self) -> None:
        with self._lock:
            self._known, self._pattern = set(), None

    def masked(self, text: str) -> str:
        pattern = self._pattern
        return pattern.sub(MASK, text) if pattern else text


def _can_be_masked(secret: str) -> bool:
    return len(secret) >= _UNMISTAKABLE or (len(secret) >= _SHORTEST and not _WORD(secret))


def _forms(secret: str) -> Iterator[str]:
    """The forms that a secret can have in URLs, HTML, JSON, Python and a header."""
    yield secret
    yield quote(secret, safe="")
    yield quote(secret)
    yield quote_plus(secret)
    yield escape(secret)
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield repr(secret)[1:-1]
    if len(secret) >= _UNMISTAKABLE:
        yield b64encode(secret.encode("utf-8", "surrogateescape")).decode()


def _found_as(form: str) -> str:
    if len(form) >= _UNMISTAKABLE:
        return re.escape(form)
    before = r"(?<!\w)" if re.match(r"\w", form) else ""
    behind = r"(?!\w)" if re.search(r"\w\Z", form) else ""
    return f"{before}{re.escape(form)}{behind}"


_secrets = _Secrets()
# Remembers secrets, which are masked from now on.
remember_secrets = _secrets.add
# Forgets all secrets, for tests.
forget_secrets = _secrets.forget
# The text with ``***`` for each known secret.
masked = _secrets.masked
