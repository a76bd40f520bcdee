"""The JSON for the web hook. Its fields are a promise: fields may be added, but none changes its
meaning within a ``version``."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from harvester.memory.runs import Verdict
from harvester.notices.events import SUBJECTS, Event
from harvester.notices.mail_text import News, last_pass
from harvester.runs.plain_text import plain
from shared.errors import ConfigError
from shared.store.rows import milliseconds
from shared.store.rows import moment as stored

VERSION = 1
_MOST_FAILURES = 100
_LONGEST_MESSAGE = 4000


def form_of(news: News) -> dict[str, Any]:
    """The form about a run. Times are ISO 8601, in UTC."""
    report = news.report
    counts = sorted(last_pass(report).counts.items())
    return _form() | {
        "event": news.event.value,
        "subject": news.subject,
        "section": plain(report.name),
        "alias": news.config.alias,
        "source": news.source,
        "run": report.run,
        "dry_run": report.rehearsed_only,
        "verdict": report.verdict.value,
        "exit_code": report.exit_code,
        "message": _message(report.last_line),
        "started": _time(report.started),
        "ended": _time(news.ended),
        "at": _time(report.metadata.at) if report.metadata else None,
        "failing_since": _time(news.failing_since),
        "counts": [{"kind": k, "action": a, "number": n} for (k, a), n in counts],
        "failed": len(report.failed),
        "failures": [
            {"kind": e.kind, "perm_id": plain(e.perm_id), "reason": plain(e.reason)}
            for e in report.failed[:_MOST_FAILURES]
        ],
        "held_back": _held_back(news),
    }


def form_of_faults(name: str, alias: str | None, faults: Sequence[str]) -> dict[str, Any]:
    """The form about settings; ``name`` is empty if the faults belong to no section."""
    return _form() | {
        "event": Event.CANNOT_START.value if faults else Event.RECOVERED.value,
        "subject": SUBJECTS[Event.CANNOT_START if faults else Event.RECOVERED].format(""),
        "section": plain(name) or None,
        "alias": alias,
        "verdict": Verdict.CONFIG.value if faults else None,
        "exit_code": ConfigError.exit_code if faults else 0,
        "message": _message("\n".join(faults)),
    }


def _form() -> dict[str, Any]:
    """All fields, so that every form has them."""
    empty = dict.fromkeys(
        ("section", "alias", "source", "run", "dry_run", "started", "ended", "at", "failing_since")
    )
    lists: dict[str, Any] = {"counts": [], "failed": 0, "failures": [], "held_back": None}
    return {"version": VERSION, "harvester": socket.gethostname(), **empty, **lists}


def _held_back(news: News) -> dict[str, Any] | None:
    if not news.report.held_back:
        return None
    return {
        "number": news.report.held_back,
        "by_kind": news.held_by_kind,
        "reasons": [plain(reason) for reason in news.held_reasons],
        "names": [plain(name) for name in news.held],
        "release": news.release,
    }


def _message(text: str) -> str:
    return plain(text)[:_LONGEST_MESSAGE]


def _time(moment: datetime | None) -> str | None:
    """The store's precision, so that the same moment always has the same text."""
    return stored(milliseconds(moment)).isoformat(timespec="milliseconds") if moment else None
