"""Lines for people: no name can forge a line, and no secret is shown.

Names come from data sources, submitters and clients. A line break in one could fake a line, an
escape sequence could control the terminal, and marks of the writing direction could hide its text:
all of these are shown escaped.
"""

from __future__ import annotations

import logging
import re
import sys
from typing import TextIO

from shared.masking import masked

# Control characters, line breaks of Unicode, marks of the writing direction, half characters.
_ODD = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def one_line(text: str) -> str:
    """The text in one line, without anything that a terminal obeys."""
    return _ODD.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def say(*columns: object, file: TextIO | None = None, flush: bool = False) -> None:
    """Prints one line for people, to standard output by default; tabs separate columns."""
    line = "\t".join(one_line(masked(str(column))) for column in columns)
    print(line, file=file, flush=flush)


def complain(text: object) -> None:
    """Prints one line for people to standard error."""
    say(text, file=sys.stderr, flush=True)


class LineFormatter(logging.Formatter):
    """A program's own log: one line for each record, and indented lines for its traceback."""

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
    """Logs to standard error, unless logging is configured already."""
    handler = logging.StreamHandler()
    handler.setFormatter(LineFormatter(form))
    logging.basicConfig(level=level, handlers=[handler])
