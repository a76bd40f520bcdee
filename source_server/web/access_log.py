"""One line for each request, of the logger ``source_server.access``.

Text of clients is written so that it can neither begin a line nor hide one. Left out are passwords,
which no field contains, and the query, in which clients of the original send session tokens.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from source_server.settings.choices import AccessLog
from source_server.web.requests_watched import EndedAnswer

# Characters of a field; a request may contain lists of patterns of any length.
_LONGEST = 1_000
_PLAIN = re.compile(r"[A-Za-z0-9._:/@+,*|-]+", re.ASCII)
_SESSION = re.compile(r"(;jsessionid=)[^/;]*", re.IGNORECASE)
# Scheme and host, which some clients send before the path, perhaps with a password.
_ORIGIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/]*")

_log = logging.getLogger("source_server.access")


@contextmanager
def access_log_on_standard_error() -> Iterator[None]:
    """Write the lines without the head, time and level, that other loggers' lines have."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    _log.addHandler(handler)
    _log.setLevel(logging.INFO)
    # The handler of the root logger would write each line once more, with its head.
    _log.propagate = False
    try:
        yield
    finally:
        _log.removeHandler(handler)
        _log.setLevel(logging.NOTSET)
        _log.propagate = True


def access_log(kind: AccessLog) -> Callable[[EndedAnswer], None]:
    """Returns the function that writes the line of an answer."""
    if kind is AccessLog.OFF:
        return lambda _answer: None
    line = _json if kind is AccessLog.JSON else _text

    def write(answer: EndedAnswer) -> None:
        if _log.isEnabledFor(logging.INFO):
            _log.info("%s", line(_fields(answer)))

    return write


def _fields(answer: EndedAnswer) -> dict[str, object]:
    visit = answer.visit
    return {
        "time": _moment(answer.begun),
        "client": _shortened(answer.client),
        "user": _shortened(visit.user_id),
        "method": _shortened(answer.method),
        "path": _shortened(_path(answer.path)),
        "verb": visit.verb,
        "white_list": _shortened(visit.white_list),
        "black_list": _shortened(visit.black_list),
        "roots": _shortened(visit.roots),
        "flags": _shortened(visit.flags),
        "status": answer.status,
        "bytes": answer.size,
        "seconds": round(answer.seconds, 3),
        "complete": answer.complete,
    }


def _json(fields: dict[str, object]) -> str:
    return json.dumps(fields)


def _text(fields: dict[str, object]) -> str:
    return " ".join(f"{key}={_word(value)}" for key, value in fields.items() if value is not None)


def _word(value: object) -> str:
    """The value unchanged if it is unambiguous, else as JSON, in ASCII."""
    if isinstance(value, str) and _PLAIN.fullmatch(value):
        return value
    return json.dumps(value)


def _path(path: str) -> str:
    return _SESSION.sub(r"\1...", _ORIGIN.sub("", path, count=1) if path[:1] != "/" else path)


def _shortened(text: str | None) -> str | None:
    if text is None or len(text) <= _LONGEST:
        return text
    return f"{text[:_LONGEST]}..."


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
