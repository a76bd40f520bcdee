"""Sends notices about a section's run, by mail and web hook, and none of them twice.

This is an outermost edge: an error here is logged, and stops nothing.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

from harvester.memory.notices import Notice
from harvester.notices.events import Event, event_of, fingerprint
from harvester.notices.mail import Mail, send_mail
from harvester.notices.mail_text import MOST_HELD, News, body_of
from harvester.notices.sent import SentNotices
from harvester.notices.webhook import post
from harvester.notices.webhook_body import form_of
from harvester.runs.destination import Destination
from harvester.runs.report import Verb
from harvester.runs.section_report import SectionReport
from harvester.settings.harvester import HarvesterSettings
from harvester.settings.section import SectionSettings
from shared.edges import ErrorEdge

logger = logging.getLogger(__name__)

# The time after which the same notice is sent again. Less than a day, since a daily run does not
# always take the same time.
AGAIN = timedelta(hours=20)


def notify(
    config: SectionSettings,
    destination: Destination,
    report: SectionReport,
    log: bytes,
    *,
    now: datetime | None = None,
) -> None:
    """``log`` is what this run has logged; ``now`` is when it ended."""
    with ErrorEdge(logger, "[%s] no notice of the run could be sent", config.name):
        _notify(config, destination, report, log, now or datetime.now(UTC))


def _notify(
    config: SectionSettings,
    destination: Destination,
    report: SectionReport,
    log: bytes,
    now: datetime,
) -> None:
    event = event_of(report)
    if event is None or not (config.email_addresses or config.webhook_url):
        return
    settings = destination.settings
    sent = SentNotices(destination.engine, settings.database_url.get_secret_value(), config.alias)
    last = sent.last()
    news = News(
        event=event,
        config=config,
        report=report,
        ended=now,
        held=_held(report, sent),
        setbacks=sent.setbacks(report.run) if last else None,
        last=last,
    )
    if event is Event.RECOVERED:
        if last and _is_over(news) and _send(news, settings, b""):
            sent.forget()
        return
    notice = Notice(fingerprint=fingerprint(report), sent=now)
    if is_due(last, notice) and _send(news, settings, log):
        sent.remember(notice)


def is_due(last: Notice | None, notice: Notice) -> bool:
    """Whether a notice is to be sent after the last one. A last one in the future was dated by a
    wrong clock."""
    if last is None or last.fingerprint != notice.fingerprint:
        return True
    return not timedelta(0) <= notice.sent - last.sent < AGAIN


def _is_over(news: News) -> bool:
    """A rehearsal that succeeds does not end the failures of real runs."""
    real = news.setbacks is not None and news.setbacks.real
    return not (news.report.rehearsed_only and real)


def _held(report: SectionReport, sent: SentNotices) -> list[str]:
    """Some of the deletions that wait. Deletions of a rehearsal are not in the memory."""
    if not report.held_back:
        return []
    if not report.rehearsed_only:
        return sent.held(MOST_HELD)
    steps = report.passes[-1].steps.values()
    items = (item for outcome in steps for item in outcome.items)
    return [f"{kind} {name}" for verb, kind, name in items if verb is Verb.HELD_BACK][:MOST_HELD]


def _send(news: News, settings: HarvesterSettings, log: bytes) -> bool:
    """Send by mail and web hook, as configured. True if one of them succeeded."""
    config, report = news.config, news.report
    mail = Mail(
        subject=news.subject,
        body=body_of(news),
        section=config.name,
        attachment=log,
        attachment_name=_attachment_name(config, report),
    )
    mailed = send_mail(settings, config.email_addresses, mail)
    hooked = config.webhook_url is not None and post(
        config.webhook_url.get_secret_value(), form_of(news)
    )
    return mailed or hooked


def _attachment_name(config: SectionSettings, report: SectionReport) -> str:
    """The name has the local time, like the lines of the log."""
    file = config.log_file
    return f"{file.stem}_{report.started.astimezone():%Y-%m-%d_%H-%M-%S}{file.suffix or '.log'}"
