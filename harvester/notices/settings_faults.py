"""Telling of settings that keep sections, or all of them, from being harvested.

Such a section has no readable configuration; but mostly its fault is elsewhere than in the line
that says who is to be told.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Engine

from harvester.notices.advice import advice
from harvester.notices.events import SUBJECTS, Event, digest, steady
from harvester.notices.mail import Mail, send_mail
from harvester.notices.notifying import is_due
from harvester.notices.sent import Told
from harvester.notices.webhook import post
from harvester.notices.webhook_body import form_of_faults
from harvester.runs.plain_text import plain_line
from harvester.settings.harvester import HarvesterSettings
from harvester.settings.ini import IniSection, read_ini
from harvester.settings.section import SectionSettings
from shared.errors import ConfigError
from shared.settings.values import Address, Url
from shared.store.notices import Notice
from shared.store.runs import Verdict

logger = logging.getLogger(__name__)

WHOLE = ""
"""Stands for the file, or the harvester, as a whole: see
`harvester.settings.config_file.ConfigFile`."""
_MOST = 50
_address: TypeAdapter[str] = TypeAdapter(Address)
_url: TypeAdapter[str] = TypeAdapter(Url)


def notify_faults(
    settings: HarvesterSettings,
    engine: Engine | None,
    faults: Mapping[str, Sequence[str]],
    *,
    known: Sequence[SectionSettings] = (),
    now: datetime | None = None,
) -> None:
    """To be called once when an execution begins, with or without ``faults`` (by section, as in
    `ConfigFile`), and when it cannot begin at all (its error under `WHOLE`).

    ``engine`` is None if the destination cannot be opened. ``known`` are sections that were read
    before; they say who is to be told if the file can no longer say so.
    """
    try:
        ways = _Ways.of(settings, known)
        moment = now or datetime.now(UTC)
        for name in sorted({WHOLE, *faults}):
            _notify(_Case(settings, engine, ways, name), faults.get(name, ()), moment)
    except Exception:
        logger.exception("nobody could be told of the faults of the settings")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """How those who care for a section are told."""

    alias: str
    recipients: tuple[str, ...] = ()
    hooks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Ways:
    sections: Mapping[str, _Way]

    @classmethod
    def of(cls, settings: HarvesterSettings, known: Iterable[SectionSettings]) -> _Ways:
        ways = {
            one.name: _Way(
                alias=one.alias,
                recipients=one.email_addresses,
                hooks=(one.webhook_url.get_secret_value(),) if one.webhook_url else (),
            )
            for one in known
        }
        try:
            ini = read_ini(settings.harvester_config_file)
        except ConfigError:
            return cls(ways)
        return cls({s.name: _written_way(s) for s in ini.sections.values()} | ways)

    def to(self, name: str) -> _Way:
        """To those of the section; if it does not say whom, to all others."""
        own = self.sections.get(name, _Way(alias=name))
        if own.recipients or own.hooks:
            return own
        everybody = self.sections.values()
        return _Way(
            alias=own.alias,
            recipients=tuple(dict.fromkeys(chain(*(way.recipients for way in everybody)))),
            hooks=tuple(dict.fromkeys(chain(*(way.hooks for way in everybody)))),
        )


def _written_way(section: IniSection) -> _Way:
    """As far as it can be read."""

    def value(key: str) -> str:
        return section.entries[key].value if key in section.entries else ""

    return _Way(
        alias=value("data-source-alias") or section.name,
        recipients=_readable(_address, *value("email-addresses").split(",")),
        hooks=_readable(_url, value("webhook-url")),
    )


def _readable(kind: TypeAdapter[str], *values: str) -> tuple[str, ...]:
    found = []
    for value in values:
        with suppress(ValidationError):
            found.append(kind.validate_python(value.strip()))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Case:
    settings: HarvesterSettings
    engine: Engine | None
    ways: _Ways
    name: str

    @property
    def way(self) -> _Way:
        return self.ways.to(self.name)

    @property
    def told(self) -> Told:
        """Under the alias, so that the section's next success is told as a recovery."""
        database = self.settings.database_url.get_secret_value()
        return Told(self.engine, database, self.way.alias)


def _notify(case: _Case, faults: Sequence[str], now: datetime) -> None:
    last = case.told.last()
    if not faults:  # of the whole; that of a section is told when it has succeeded
        if last and _send(case, faults):
            case.told.forget()
        return
    notice = Notice(fingerprint=digest(Verdict.CONFIG, *map(steady, sorted(faults))), sent=now)
    if is_due(last, notice) and _send(case, faults):
        case.told.remember(notice)


def _send(case: _Case, faults: Sequence[str]) -> bool:
    way, event = case.way, Event.CANNOT_START if faults else Event.RECOVERED
    mail = Mail(
        subject=SUBJECTS[event].format(""),
        body="\n".join(_lines(case, faults)) + "\n",
        section=case.name,
    )
    mailed = send_mail(case.settings, way.recipients, mail)
    alias = way.alias if case.name else None
    hooked = [post(hook, form_of_faults(case.name, alias, faults)) for hook in way.hooks]
    return mailed or any(hooked)


def _lines(case: _Case, faults: Sequence[str]) -> Iterable[str]:
    if not faults:
        yield "The harvester can begin its executions again."
        return
    told = advice(Event.CANNOT_START, Verdict.CONFIG)
    what = f"Section [{case.name}] is" if case.name else "The sections are"
    yield f"{what} not harvested. {told.what}"
    yield ""
    yield from (f"  {plain_line(fault)}" for fault in faults[:_MOST])
    if len(faults) > _MOST:
        yield f"  ... and {len(faults) - _MOST:,} more"
    yield ""
    yield f"What to do: {told.todo}"
