"""``source-server opendcim queue``: lists submissions and decides on them."""

from __future__ import annotations

import argparse

from sqlalchemy import Connection

from opendcim.repository.checking import completed
from opendcim.repository.commands.opening import OPERATOR, changing, looking
from opendcim.repository.comparison import compared
from opendcim.repository.edits import edited
from opendcim.repository.moderation import (
    approve_manufacturer,
    approve_template,
    pictures_at_hand,
    published_before,
    reject,
    undecided,
)
from opendcim.repository.published import manufacturers
from opendcim.repository.queue import (
    Subject,
    Submission,
    find_submission,
    pending,
)
from shared.errors import ConfigError
from shared.plain_lines import complain, say


def list_queue(options: argparse.Namespace) -> int:
    with looking(options) as connection:
        names = _names(connection)
        for subject in Subject:
            for one in pending(connection, subject):
                of = names.get(one.manufacturer_id, "")
                say(*(one.request_id, subject, of, one.name, one.submitted, one.submitted_by))
    return 0


def show(options: argparse.Namespace) -> int:
    """Shows all fields, and marks those that differ from the published template."""
    with looking(options) as connection:
        submission = _found(connection, options.request)
        names = _names(connection)
        published = published_before(connection, submission)
    say(f"request {submission.request_id}: {submission.subject} {submission.name}")
    say(f"submitted {submission.submitted} by {submission.submitted_by}")
    say(f"state {submission.state}{_decision(submission)}")
    if submission.template is None:
        return 0
    target = f"template {published.template.template_id}" if published else "a new template"
    say(f"for {target}")
    for side, picture in submission.pictures.items():
        say(f"{side} picture {picture.name}, {picture.width} x {picture.height} px")
    for line in compared(published.template if published else None, submission.template, names):
        mark = "*" if line.differs else " "
        before = f"  (published: {line.before})" if line.differs else ""
        say(f"{mark} {line.member}: {line.after}{before}")
    return 0


def approve(options: argparse.Namespace) -> int:
    """Approves a submission with the changes of ``--set``."""
    with changing(options) as connection:
        submission = _found(connection, options.request)
        values = dict(_assignments(options.set))
        if submission.template is None:
            name = values.pop("Name", submission.name)
            if values:
                raise ConfigError(f"--set {next(iter(values))}: a manufacturer has only a Name")
            added = approve_manufacturer(connection, OPERATOR, submission.request_id, name)
            say(f"manufacturer {added.manufacturer_id} {added.name} is published")
            return 0
        undecided(connection, OPERATOR, submission.request_id, submission.subject)
        published = published_before(connection, submission)
        final = edited(completed(submission.template), values)
        pictures = pictures_at_hand(submission, published)
        _tell_missing(submission, dict(pictures))
        number = approve_template(connection, OPERATOR, submission.request_id, final, pictures)
    say(f"template {number} {final.model} is published")
    return 0


def reject_request(options: argparse.Namespace) -> int:
    with changing(options) as connection:
        submission = _found(connection, options.request)
        reject(connection, OPERATOR, submission.request_id, submission.subject, options.reason)
    return 0


def _found(connection: Connection, request_id: int) -> Submission:
    submission = find_submission(connection, request_id)
    if submission is None:
        raise ConfigError(
            f"request {request_id} does not exist; those that are pending are listed by: "
            "source-server opendcim queue list"
        )
    return submission


def _names(connection: Connection) -> dict[int, str]:
    return {one.manufacturer_id: one.name for one in manufacturers(connection)}


def _assignments(given: list[str]) -> list[tuple[str, str]]:
    pairs = [text.partition("=") for text in given]
    for name, equals, _ in pairs:
        if not equals:
            raise ConfigError(f"--set {name}: write MEMBER=VALUE, for example Height=2")
    return [(name.strip(), value) for name, _, value in pairs]


def _tell_missing(submission: Submission, pictures: dict[str, object]) -> None:
    template = submission.template
    for side, name in template.picture_files.items() if template else ():
        if name and side not in submission.pictures:
            instead = "the published one stays" if side in pictures else "published without it"
            complain(f"the {side} picture {name} was never uploaded; {instead}")


def _decision(submission: Submission) -> str:
    if submission.is_pending:
        return ""
    reason = f": {submission.reason}" if submission.reason else ""
    return f", {submission.decided} by {submission.decided_by}{reason}"
