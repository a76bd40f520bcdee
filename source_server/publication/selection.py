"""The spaces that a client asks for: ``white_list`` and ``black_list`` (wire-format.md, 2.1).

openBIS compiles the patterns with ``java.util.regex``. Here they run on RE2, whose time is linear
in the text, so that no pattern can hang the server. Patterns that RE2 refuses, or silently reads
otherwise than Java, are refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import re2

from shared.errors import RequestError
from shared.model.ids import Code, home_of
from source_server.publication.catalogue import Scope
from source_server.publication.roots import NO_ROOTS, Roots

# The characters that Java's ``String.trim`` removes.
_BLANKS = "".join(map(chr, range(0x21)))

# Bytes that RE2 may spend on the automaton of one list.
_MAX_MEMORY = 2 * 1024 * 1024

# RE2 instructions of one list. Two thousand plain space codes fit. The worst case takes well below
# a millisecond per space (measured).
_MAX_PROGRAM = 20_000

# Characters of the patterns of one list; longer ones exceed `_MAX_PROGRAM` anyway.
_LONGEST = 100_000

# Patterns of one list. Each is also compiled alone, to name the faulty one.
_MOST = 5_000

# Unicode classes (``\p{L}``) of one list; RE2 takes half a millisecond for each.
_MOST_CLASSES = 200

# Characters of a pattern, or of an error of RE2, that an answer shows.
_SHOWN = 200

# Pieces of a pattern; a ``]`` directly behind the opening bracket is a plain character.
_PIECE = re.compile(
    r"\\Q.*?(?:\\E|\Z)|\\[xpP]\{[^}\\]{0,100}\}|\\.|\[\^?\]?|\]|&&|\{[0-9]+\}|.", re.DOTALL
)

_CLASS = re.compile(r"\\[pP]")


@dataclass(frozen=True, slots=True, kw_only=True)
class SpacePatterns:
    """The patterns of one list. No pattern is not the same as an empty pattern."""

    texts: tuple[str, ...] = ()
    fullmatch: Callable[[str], object] | None = None

    def __bool__(self) -> bool:
        return bool(self.texts)

    def match(self, code: Code) -> bool:
        """Whether one of the patterns matches the whole code, case-sensitively."""
        return self.fullmatch is not None and self.fullmatch(code) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The selection of one request. ``roots`` select within what the patterns leave."""

    black: SpacePatterns = SpacePatterns()
    white: SpacePatterns = SpacePatterns()
    roots: Roots = NO_ROOTS

    def within(self, visible: Scope) -> Scope:
        """The selected part of a scope."""
        projects = {project: home_of(project)[0] for project in visible.projects}
        codes = visible.spaces | {space for space in projects.values() if space is not None}
        chosen = select(codes, self.black, self.white)
        return Scope(
            spaces=visible.spaces & chosen,
            projects=frozenset(project for project, space in projects.items() if space in chosen),
        )


def parse_patterns(parameter: str, values: Iterable[str]) -> SpacePatterns:
    """The patterns in all values of a parameter.

    Raises RequestError with the parameter, the pattern and the reason if one cannot be used.
    """
    texts = _texts(parameter, tuple(values))
    if not texts:
        return SpacePatterns()
    size = 0
    for text in texts:
        size += _check(parameter, text)
        if size > 2 * _MAX_PROGRAM:  # what they share makes them smaller together
            raise _too_large(parameter)
    # Each was compiled alone before, so none can close the group that is put around it here.
    union = _compile(parameter, "|".join(f"(?:{text})" for text in texts))
    if union.programsize > _MAX_PROGRAM:
        raise _too_large(parameter)
    return SpacePatterns(texts=texts, fullmatch=union.fullmatch)


def _texts(parameter: str, values: Sequence[str]) -> tuple[str, ...]:
    """The patterns, each once; RequestError if checking them would take long."""
    if sum(map(len, values)) > _LONGEST:
        raise RequestError(
            f"{parameter}: the patterns have over {_LONGEST:,} characters; ask for fewer"
        )
    if sum(len(_CLASS.findall(value)) for value in values) > _MOST_CLASSES:
        raise RequestError(
            f"{parameter}: the patterns have over {_MOST_CLASSES} Unicode classes; ask for fewer"
        )
    texts = tuple(dict.fromkeys(text for value in values for text in _pieces(value)))
    if len(texts) > _MOST:
        raise RequestError(f"{parameter}: there are over {_MOST:,} patterns; ask for fewer")
    return texts


def select(
    space_codes: Iterable[Code], black: SpacePatterns, white: SpacePatterns
) -> frozenset[Code]:
    """The codes that match no black pattern and, if there are white patterns, one of these."""
    return frozenset(
        code for code in space_codes if not black.match(code) and (not white or white.match(code))
    )


def _pieces(value: str) -> Sequence[str]:
    """Split at commas as Java does: empty pieces at the end are dropped, but a value without comma
    is one piece, even if it is empty."""
    pieces = value.split(",")
    if len(pieces) > 1:
        while pieces and not pieces[-1]:
            pieces.pop()
    return [piece.strip(_BLANKS) for piece in pieces]


def _too_large(parameter: str) -> RequestError:
    return RequestError(
        f"{parameter}: the patterns are too large together; ask for fewer or simpler ones"
    )


def _check(parameter: str, text: str) -> int:
    """The number of RE2 instructions of the pattern. Raises RequestError if it cannot be used."""
    reason = _read_otherwise_by_java(text)
    if reason:
        raise RequestError(f"{parameter}: the pattern {text[:_SHOWN]!r} cannot be used: {reason}")
    size: int = _compile(parameter, text).programsize
    return size


def _compile(parameter: str, text: str) -> Any:
    options = re2.Options()
    options.max_mem = _MAX_MEMORY
    options.log_errors = False
    options.never_capture = True
    try:
        return re2.compile(text, options=options)
    except re2.error as error:
        reason = _reason_of(error)
        raise RequestError(
            f"{parameter}: the pattern {text[:_SHOWN]!r} is not a valid regular expression: "
            f"{reason}"
        ) from error
    except UnicodeEncodeError as error:
        raise RequestError(
            f"{parameter}: the pattern {text[:_SHOWN]!r} is not valid Unicode"
        ) from error


def _reason_of(error: Exception) -> str:
    reason = error.args[0] if error.args else ""
    message = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
    return message[:_SHOWN]


def _read_otherwise_by_java(text: str) -> str | None:
    """The reason if RE2 accepts the pattern but may match other codes than openBIS does."""
    in_class = False
    for piece in _PIECE.findall(text):
        if piece.startswith(r"\Q") and not piece.endswith(r"\E"):
            return r"\Q without \E"
        if piece == "{" and not in_class:
            return "{ without a number and } (a comma always ends the pattern)"
        if piece == "&&" and in_class:
            return "an intersection of character classes (&&) is not supported"
        if piece.startswith("["):
            if in_class:
                return "a character class within a character class is not supported"
            in_class = True
        elif piece == "]":
            in_class = False
    return None
