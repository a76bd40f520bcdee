"""The queue of submissions and their decisions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, Row, func, select

from opendcim.records.records import Template
from opendcim.records.texts import folded, plain
from opendcim.repository import tables
from opendcim.repository.checking import checked, checked_name
from opendcim.repository.published import (
    find_manufacturer,
    find_template,
    manufacturer_named,
    template_named,
)
from opendcim.repository.refusals import (
    BAD_REQUEST,
    FORBIDDEN,
    NOT_PROCESSED,
    RefusalError,
    no_such_request,
    not_allowed,
)
from opendcim.repository.storage import now
from opendcim.repository.stored import (
    StoredPicture,
    StoredPictures,
    content_hash,
    pictures_json,
    pictures_of,
    template_json,
    template_of,
)
from opendcim.repository.users import User

ALREADY_QUEUED = "Manufacturer name already in pending submission queue."

# Pending submissions of one user; a client that sends more is at fault.
_MOST_PENDING = 2_000

_submission = tables.submission


class Subject(StrEnum):
    """Subject of a submission."""

    MANUFACTURER = "manufacturer"
    TEMPLATE = "template"


class State(StrEnum):
    """State of a submission."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """``name`` is the manufacturer's, or the model. ``template_id`` is the template that the
    submission would change, or became; 0 for a new one. ``template`` is None for a manufacturer.
    ``reason`` says why it was rejected. ``submitted_by`` is for administrators only."""

    request_id: int
    subject: Subject
    name: str
    manufacturer_id: int
    template_id: int
    template: Template | None
    pictures: StoredPictures
    submitted: str
    submitted_by: str
    state: State
    decided: str
    decided_by: str
    reason: str

    @property
    def is_pending(self) -> bool:
        return self.state is State.PENDING


def submit_manufacturer(connection: Connection, user: User, name: str) -> Submission:
    """A name that this user has submitted already is not queued again. Raises `RefusalError`."""
    name = checked_name(plain(name))
    same = content_hash(Subject.MANUFACTURER, name)
    # This comes before the refusals below: a client that tries again gets its own request.
    again = _pending_again(connection, user, same)
    if again:
        return again
    known = manufacturer_named(connection, name)
    if known:
        raise RefusalError(
            FORBIDDEN,
            f"Manufacturer {known.name} exists already (ManufacturerID {known.manufacturer_id}).",
        )
    pending = _is_pending(Subject.MANUFACTURER) & (_submission.c.folded == folded(name))
    if connection.execute(select(_submission.c.request_id).where(pending)).first():
        raise RefusalError(FORBIDDEN, ALREADY_QUEUED)
    values = {"name": name, "folded": folded(name), "record": "", "content_hash": same}
    return _added(connection, user, Subject.MANUFACTURER, values)


def submit_template(connection: Connection, user: User, submitted: Template) -> Submission:
    """Content that this user has submitted already is not queued again. Raises `RefusalError`."""
    template = checked(submitted)
    if find_manufacturer(connection, template.manufacturer_id) is None:
        raise RefusalError(
            FORBIDDEN,
            f"{NOT_PROCESSED} ManufacturerID {template.manufacturer_id} is unknown here: submit "
            "the manufacturer first, or synchronize manufacturers",
        )
    target = _target(connection, template)
    # The id that the client sent may be another repository's, so the record gets the target's.
    record = template_json(replace(template, template_id=target))
    same = content_hash(Subject.TEMPLATE, record)
    again = _pending_again(connection, user, same)
    if again:
        return again
    values = {
        "manufacturer_id": template.manufacturer_id,
        "template_id": target,
        "name": template.model,
        "folded": folded(template.model),
        "record": record,
        "content_hash": same,
    }
    return _added(connection, user, Subject.TEMPLATE, values)


def add_pictures(
    connection: Connection, user: User, request_id: int, pictures: StoredPictures
) -> None:
    """Adds to the user's own submission, while it is pending. Raises `RefusalError`."""
    # The route has checked this before it stored files, but a decision may have come since.
    submission = pictures_wanted(connection, user, request_id, pictures)
    held = pictures_json({**submission.pictures, **pictures})
    mine = _submission.c.request_id == request_id
    connection.execute(_submission.update().where(mine).values(pictures=held))


def pictures_wanted(
    connection: Connection, user: User, request_id: int, names: Mapping[str, StoredPicture | str]
) -> Submission:
    """The submission that pictures may be added to. Raises `RefusalError`."""
    submission = find_submission(connection, request_id)
    if submission is None or submission.template is None:
        raise no_such_request()
    if submission.submitted_by != user.user_id:
        raise not_allowed("add pictures to this request")
    if not submission.is_pending:
        raise RefusalError(
            BAD_REQUEST, f"The request {request_id} was {submission.state} already; submit anew"
        )
    expected = submission.template.picture_files
    for side, picture in names.items():
        name = picture if isinstance(picture, str) else picture.name
        if expected[side] and name != expected[side]:
            raise RefusalError(
                BAD_REQUEST,
                f"The {side} picture is called {name!r}, but the template says {expected[side]!r}",
            )
    return submission


def find_submission(connection: Connection, request_id: int) -> Submission | None:
    query = select(_submission).where(_submission.c.request_id == request_id)
    row = connection.execute(query).first()
    return _as_submission(row) if row else None


def pending(connection: Connection, subject: Subject) -> list[Submission]:
    """Manufacturers by name, templates by manufacturer and model."""
    query = select(_submission).where(_is_pending(subject))
    ordered = query.order_by(
        _submission.c.manufacturer_id, _submission.c.folded, _submission.c.request_id
    )
    return [_as_submission(row) for row in connection.execute(ordered)]


def pending_for(connection: Connection, user: User, subject: Subject) -> list[Submission]:
    """Submissions that the user may decide on; only administrators decide on manufacturers."""
    if subject is Subject.MANUFACTURER:
        return pending(connection, subject) if user.administrator else []
    return [one for one in pending(connection, subject) if user.may_decide_on(one.manufacturer_id)]


def submissions_of(connection: Connection, user: User) -> list[Submission]:
    """The user's own, the latest first."""
    query = select(_submission).where(_submission.c.submitted_by == user.user_id)
    rows = connection.execute(query.order_by(_submission.c.request_id.desc()))
    return [_as_submission(row) for row in rows]


def decide(
    connection: Connection, submission: Submission, user_id: str, state: State, **values: object
) -> None:
    """Records the decision. Raises `RefusalError` if there is one already."""
    if not submission.is_pending:
        raise RefusalError(
            FORBIDDEN, f"The request {submission.request_id} was {submission.state} already"
        )
    mine = _submission.c.request_id == submission.request_id
    decided = {"state": state.value, "decided": now(), "decided_by": user_id, **values}
    connection.execute(_submission.update().where(mine).values(**decided))


def _target(connection: Connection, template: Template) -> int:
    """The template to change: the one that it names, else the one with its model, else 0."""
    named = find_template(connection, template.template_id) if template.template_id else None
    found = named or template_named(connection, template.manufacturer_id, template.model)
    return found.template.template_id if found else 0


def _pending_again(connection: Connection, user: User, same: str) -> Submission | None:
    query = select(_submission).where(
        _submission.c.submitted_by == user.user_id,
        _submission.c.content_hash == same,
        _submission.c.state == State.PENDING.value,
    )
    row = connection.execute(query).first()
    return _as_submission(row) if row else None


def _added(
    connection: Connection, user: User, subject: Subject, values: Mapping[str, object]
) -> Submission:
    _refuse_flood(connection, user)
    row = {
        "kind": subject.value,
        "manufacturer_id": 0,
        "template_id": 0,
        "submitted": now(),
        "submitted_by": user.user_id,
        "state": State.PENDING.value,
        **values,
    }
    number = connection.execute(_submission.insert().values(**row)).inserted_primary_key
    added = find_submission(connection, int(number[0])) if number else None
    if added is None:
        raise RuntimeError("the database gave no id")
    return added


def _refuse_flood(connection: Connection, user: User) -> None:
    mine = (_submission.c.submitted_by == user.user_id) & (
        _submission.c.state == State.PENDING.value
    )
    count = connection.execute(select(func.count()).select_from(_submission).where(mine)).scalar()
    if count and count >= _MOST_PENDING:
        raise RefusalError(
            FORBIDDEN,
            f"{NOT_PROCESSED} {count} of your submissions are pending; wait until they are decided",
        )


def _is_pending(subject: Subject) -> ColumnElement[bool]:
    return (_submission.c.kind == subject.value) & (_submission.c.state == State.PENDING.value)


def _as_submission(row: Row[tuple[object, ...]]) -> Submission:
    subject = Subject(row.kind)
    return Submission(
        request_id=row.request_id,
        subject=subject,
        name=row.name,
        manufacturer_id=row.manufacturer_id,
        template_id=row.template_id,
        template=template_of(row.record) if subject is Subject.TEMPLATE else None,
        pictures=pictures_of(row.pictures),
        submitted=row.submitted,
        submitted_by=row.submitted_by,
        state=State(row.state),
        decided=row.decided,
        decided_by=row.decided_by,
        reason=row.reason,
    )
