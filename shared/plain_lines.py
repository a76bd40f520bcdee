"""What people read: lines that no name can forge, and in which no secret stands.

Names come from a data source, from submitters and from clients. One with a line break could pretend
to be a line of its own, one with an escape sequence could play with the terminal that shows it, and
marks that turn the direction of writing could hide what it is: all of them are shown escaped.
"""

from __future__ import annotations

import logging
import re
import sys
from typing import TextIO

from shared.masking import masked

_ODD = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Controls, line breaks of Unicode, marks that turn the direction of writing, half characters."""


def one_line(text: str) -> str:
    """The same in one line, without anything that a terminal could obey."""
    return _ODD.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def say(*columns: object, file: TextIO | None = None, flush: bool = False) -> None:
    """Print one line for people, to standard output by default; columns are split by tabs."""
    line = "\t".join(one_line(masked(str(column))) for column in columns)
    print(line, file=file, flush=flush)


def complain(text: object) -> None:
    """Print one line for people to standard error."""
    say(text, file=sys.stderr, flush=True)


class LineFormatter(logging.Formatter):
    """A program's own log: one line for a record, and indented lines for its traceback."""

    def format(self, record: logging.LogRecord) -> str:
        record.message = record.getMessage()
        if self.usesTime():
            record.asctime = self.formatTime(record, self.datefmt)
        lines = [one_line(masked(self.formatMessage(record)))]
        parts = [self.formatException(record.exc_info)] if record.exc_info else []
        parts += [self.formatStack(record.stack_info)] if record.stack_info else []
        for part in parts:
            lines += [f"    {one_line(masked(line))}" for line in part.split("\n")]
        return "\n".join(lines)


def log_to_standard_error(level: int, form: str) -> None:
    """The log of a program, unless its lines go somewhere already."""
    handler = logging.StreamHandler()
    handler.setFormatter(LineFormatter(form))
    logging.basicConfig(level=level, handlers=[handler])
