"""Java ``.properties`` files, as openBIS writes and reads them.

The rules are those of ``java.util.Properties.load``: comments start with ``#`` or ``!``, a key ends
at ``=``, ``:`` or a blank, a backslash at the end of a line continues it, ``\\uXXXX`` is a
character. Unlike Java, the file may be UTF-8; and values are trimmed, as openBIS does. The last of
two equal keys wins.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from shared.errors import ConfigError

_BLANKS = " \t\f"
_LINE_END = re.compile(r"\r\n|\r|\n")
# Pairs of backslashes escape each other, so a sign behind an even number of them ends the key.
_KEY_END = re.compile(r"(?<!\\)(?:\\\\)*([=: \t\f])")
_SEPARATOR = re.compile(r"[ \t\f]*[=:]?[ \t\f]*")
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|[^u])")
_ANY_ESCAPE = re.compile(r"\\(u.{0,4}|[^u])", re.DOTALL)
_LETTERS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """``line`` is where the property starts, counted from 1."""

    key: str
    value: str
    line: int


def read_text(path: Path) -> str:
    """The text of a settings file: UTF-8, with or without byte order mark, else ISO-8859-1.

    Raises `ConfigError` if the file is missing, cannot be read, or is no text.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigError(f"{path}: the file cannot be read: {reason}") from error
    # Text in UTF-16 is full of these bytes, and ISO-8859-1 below would take it without an error.
    if (place := content.find(b"\0")) >= 0:
        line = content.count(b"\n", 0, place) + 1
        raise ConfigError(
            f"{path}:{line}: the file has the character U+0000 in it; save it as text in UTF-8"
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Java's own encoding of these files; each byte is a character in it, so this never fails.
        return content.decode("iso-8859-1")


def read_properties(path: Path) -> dict[str, str]:
    """Keys and trimmed values; raises `ConfigError` naming all lines with malformed escapes."""
    return {entry.key: entry.value for entry in read_entries(path)}


def read_entries(path: Path) -> list[Property]:
    """Like `read_properties`, with the line of each property, in the order of the file."""
    entries, faults = [], []
    for number, line in _logical_lines(read_text(path)):
        key, value = _split(line)
        try:
            entry = Property(key=_unescape(key), value=_unescape(value).strip(), line=number)
        except ValueError as error:
            faults.append(f"{path}:{number}: {error}")
        else:
            entries.append(entry)
    if faults:
        raise ConfigError(faults)
    return entries


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines without comments and empty ones, continued ones joined, with their first number."""
    started, pending = 0, ""
    for number, natural in enumerate(_LINE_END.split(text), start=1):
        line = natural.lstrip(_BLANKS)
        if not started and (not line or line[0] in "#!"):
            continue
        started = started or number
        if _is_continued(line):
            pending += line[:-1]
            continue
        yield started, pending + line
        started, pending = 0, ""
    if pending:
        yield started, pending


def _is_continued(line: str) -> bool:
    """Whether the line ends with a backslash that is not itself escaped."""
    return (len(line) - len(line.rstrip("\\"))) % 2 == 1


def _split(line: str) -> tuple[str, str]:
    end = _KEY_END.search(line)
    if end is None:
        return line, ""
    separator = _SEPARATOR.match(line, end.start(1))
    return line[: end.start(1)], line[separator.end() if separator else end.end() :]


def _unescape(text: str) -> str:
    for escape in _ANY_ESCAPE.finditer(text):
        if not _ESCAPE.fullmatch(escape[0]):
            raise ValueError(
                f"malformed escape {escape[0]!r}: \\u needs four hexadecimal digits; "
                "write a backslash as \\\\"
            )
    replaced = _ESCAPE.sub(_character, text)
    if "\0" in replaced:
        raise ValueError("the escape \\u0000 stands for no character of any setting; remove it")
    try:  # characters beyond the basic plane are written as two escapes
        return replaced.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError as error:
        raise ValueError("malformed escape: half of a surrogate pair is missing") from error


def _character(escape: re.Match[str]) -> str:
    name = escape[1]
    return chr(int(name[1:], 16)) if len(name) > 1 else _LETTERS.get(name, name)
