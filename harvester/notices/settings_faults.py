"""Sends notices about faults of the settings that keep sections from being harvested.

Such a section has no usable settings; but mostly its contacts can be read
(`harvester.settings.contacts`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain

from sqlalchemy import Engine

from harvester.memory.notices import Notice
from harvester.memory.runs import Verdict
from harvester.notices.advice import advice
from harvester.notices.events import SUBJECTS, Event, digest, steady
from harvester.notices.mail import Mail, send_mail
from harvester.notices.notifying import is_due
from harvester.notices.sent import SentNotices
from harvester.notices.webhook import post
from harvester.notices.webhook_body import form_of_faults
from harvester.runs.plain_text import plain_line
from harvester.settings.contacts import Contacts
from harvester.settings.harvester import HarvesterSettings
from shared.edges import ErrorEdge

logger = logging.getLogger(__name__)

# The name under which faults of no section stand, as in
# `harvester.settings.config_file.ConfigFile`.
WHOLE = ""
_MOST = 50


def notify_faults(
    settings: HarvesterSettings,
    engine: Engine | None,
    faults: Mapping[str, Sequence[str]],
    *,
    contacts: Mapping[str, Contacts],
    now: datetime | None = None,
) -> None:
    """Call this once when an execution begins, with or without ``faults`` (by section, as in
    `ConfigFile`), and when it cannot begin at all (its error under `WHOLE`).

    ``engine`` is None if the destination cannot be opened. ``contacts`` has all sections by name,
    as last read.
    """
    with ErrorEdge(logger, "no notice of the faults of the settings could be sent"):
        moment = now or datetime.now(UTC)
        for name in sorted({WHOLE, *faults}):
            case = _Case(settings, engine, _contacts_for(name, contacts), name)
            _notify(case, faults.get(name, ()), moment)


def _contacts_for(name: str, contacts: Mapping[str, Contacts]) -> Contacts:
    """The contacts of the section; if it names none, those of all sections."""
    own = contacts.get(name, Contacts(alias=name))
    if own.recipients or own.hooks:
        return own
    everybody = contacts.values()
    return Contacts(
        alias=own.alias,
        recipients=tuple(dict.fromkeys(chain(*(one.recipients for one in everybody)))),
        hooks=tuple(dict.fromkeys(chain(*(one.hooks for one in everybody)))),
    )


@dataclass(frozen=True, slots=True)
class _Case:
    settings: HarvesterSettings
    engine: Engine | None
    contacts: Contacts
    name: str

    @property
    def sent(self) -> SentNotices:
        """Stored under the alias, so that the section's next success is sent as a recovery."""
        database = self.settings.database_url.get_secret_value()
        return SentNotices(self.engine, database, self.contacts.alias)


def _notify(case: _Case, faults: Sequence[str], now: datetime) -> None:
    last = case.sent.last()
    if not faults:  # only of the whole; a section recovers when it has succeeded
        if last and _send(case, faults):
            case.sent.forget()
        return
    notice = Notice(fingerprint=digest(Verdict.CONFIG, *map(steady, sorted(faults))), sent=now)
    if is_due(last, notice) and _send(case, faults):
        case.sent.remember(notice)


def _send(case: _Case, faults: Sequence[str]) -> bool:
    contacts, event = case.contacts, Event.CANNOT_START if faults else Event.RECOVERED
    mail = Mail(
        subject=SUBJECTS[event].format(""),
        body="\n".join(_lines(case, faults)) + "\n",
        section=case.name,
    )
    mailed = send_mail(case.settings, contacts.recipients, mail)
    alias = contacts.alias if case.name else None
    hooked = [post(hook, form_of_faults(case.name, alias, faults)) for hook in contacts.hooks]
    return mailed or any(hooked)


def _lines(case: _Case, faults: Sequence[str]) -> Iterable[str]:
    if not faults:
        yield "The harvester can begin its executions again."
        return
    known = advice(Event.CANNOT_START, Verdict.CONFIG)
    what = f"Section [{case.name}] is" if case.name else "The sections are"
    yield f"{what} not harvested. {known.what}"
    yield ""
    yield from (f"  {plain_line(fault)}" for fault in faults[:_MOST])
    if len(faults) > _MOST:
        yield f"  ... and {len(faults) - _MOST:,} more"
    yield ""
    yield f"What to do: {known.todo}"
