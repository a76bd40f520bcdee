"""The format of log lines: text for people, or one JSON object per line.

No name can forge a line (`shared.plain_lines`), and no line shows a secret (`shared.masking`).

A record may carry more than its message, by ``extra``: ``event`` names what happened, ``fields``
are values for programs, ``lines`` are what people see instead of the message, and ``context`` has
the section, run, pass and step.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

from shared.masking import masked
from shared.plain_lines import one_line
from shared.settings.quantities import LogFormat

# As in the original, where no level is longer than five letters.
_LEVELS = {logging.WARNING: "WARN", logging.CRITICAL: "FATAL"}


def formatter(log_format: LogFormat) -> logging.Formatter:
    """The formatter for the log of a section, and for that of the daemon."""
    return _Json() if log_format is LogFormat.JSON else _Text()


class _Text(logging.Formatter):
    """``yyyy-MM-dd HH:mm:ss,SSS LEVEL message`` in local time. A traceback follows, indented, so
    that none of its lines can be taken for a line of the log."""

    def format(self, record: logging.LogRecord) -> str:
        start = f"{self.formatTime(record)} {_level(record):<5} "
        shown = getattr(record, "lines", None) or (record.getMessage(),)
        lines = [start + one_line(masked(line)) for line in shown]
        lines += [f"    {one_line(line)}" for line in _traceback(self, record).split("\n") if line]
        return "\n".join(lines)


class _Json(logging.Formatter):
    """One object per line, in ASCII; the traceback is its field ``exception``."""

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        told: dict[str, Any] = {"time": time.replace("+00:00", "Z"), "level": _level(record)}
        told |= getattr(record, "context", None) or {"logger": record.name}
        told |= {
            "event": getattr(record, "event", "message"),
            "message": masked(record.getMessage()),
        }
        told |= getattr(record, "fields", {})
        if trace := _traceback(self, record):
            told["exception"] = trace
        return json.dumps(told, default=str)


def _level(record: logging.LogRecord) -> str:
    return _LEVELS.get(record.levelno, record.levelname)


def _traceback(form: logging.Formatter, record: logging.LogRecord) -> str:
    """The traceback, formatted anew: the text that a record caches may come from another
    formatter."""
    parts = []
    if record.exc_info and record.exc_info[0]:
        parts.append(form.formatException(record.exc_info))
    if record.stack_info:
        parts.append(form.formatStack(record.stack_info))
    return masked("\n".join(parts))
