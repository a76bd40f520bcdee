"""Approves and rejects submissions, and checks who may.

The moderator's record is published, not the submitted one. An approval is one transaction.
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from opendcim.records.picture_names import base_name
from opendcim.records.records import Manufacturer, Template
from opendcim.records.texts import folded
from opendcim.repository import tables
from opendcim.repository.checking import checked, completed
from opendcim.repository.published import (
    Published,
    add_manufacturer,
    find_manufacturer,
    find_template,
    template_named,
)
from opendcim.repository.queue import (
    State,
    Subject,
    Submission,
    decide,
    find_submission,
)
from opendcim.repository.refusals import (
    BAD_REQUEST,
    FORBIDDEN,
    NOT_PROCESSED,
    RefusalError,
    no_such_request,
    not_allowed,
)
from opendcim.repository.storage import Change, next_change
from opendcim.repository.stored import (
    SIDES,
    StoredPicture,
    StoredPictures,
    pictures_json,
    template_json,
)
from opendcim.repository.users import User

_LONGEST_REASON = 2_000


def undecided(connection: Connection, user: User, request_id: int, subject: Subject) -> Submission:
    """A pending submission that this user may decide on. Raises `RefusalError`."""
    if not user.may_moderate:
        raise not_allowed("approve or reject submissions")
    submission = find_submission(connection, request_id)
    if submission is None or submission.subject is not subject:
        raise no_such_request()
    allowed = (
        user.administrator
        if subject is Subject.MANUFACTURER
        else user.may_decide_on(submission.manufacturer_id)
    )
    if not allowed:
        raise not_allowed("decide on this request")
    if not submission.is_pending:
        raise RefusalError(FORBIDDEN, f"The request {request_id} was {submission.state} already")
    return submission


def approve_manufacturer(
    connection: Connection, user: User, request_id: int, name: str
) -> Manufacturer:
    """Publishes the manufacturer under this name, which the moderator may have changed. Raises
    `RefusalError`."""
    submission = undecided(connection, user, request_id, Subject.MANUFACTURER)
    added = add_manufacturer(connection, name)
    number = added.manufacturer_id
    decide(connection, submission, user.user_id, State.APPROVED, manufacturer_id=number)
    return added


def approve_template(
    connection: Connection, user: User, request_id: int, final: Template, pictures: StoredPictures
) -> int:
    """Publishes ``final`` with these pictures, whatever picture names it has; returns its id.
    Raises `RefusalError`."""
    submission = undecided(connection, user, request_id, Subject.TEMPLATE)
    pictures = _with_distinct_names(pictures)
    names = {side: picture.name for side, picture in pictures.items()}
    # The moderator may have changed the device type: `checked` drops the parts that it does not
    # have, and `completed` below adds the details that it needs.
    template = checked(
        replace(
            final,
            front_picture_file=names.get("front", ""),
            rear_picture_file=names.get("rear", ""),
        )
    )
    published = _replaced(connection, template)
    _check_place(connection, user, template, published)
    change = next_change(connection)
    template_id = _publish(connection, completed(template), pictures, published, change)
    _keep_version(connection, template_id, submission, user, change)
    values = {"template_id": template_id, "manufacturer_id": template.manufacturer_id}
    decide(connection, submission, user.user_id, State.APPROVED, **values)
    return template_id


def reject(
    connection: Connection, user: User, request_id: int, subject: Subject, reason: str
) -> None:
    """Rejects with a reason that the submitter can read. Raises `RefusalError`."""
    submission = undecided(connection, user, request_id, subject)
    shortened = reason.strip()[:_LONGEST_REASON]
    decide(connection, submission, user.user_id, State.REJECTED, reason=shortened)


def pictures_named(
    submission: Submission, published: Published | None, final: Template
) -> dict[str, StoredPicture]:
    """The pictures that the names in a final record mean: the submitted ones, else the published
    ones. Raises `RefusalError` for a name that is neither."""
    chosen: dict[str, StoredPicture] = {}
    for side, file in final.picture_files.items():
        name = base_name(file)
        offered = (submission.pictures.get(side), published and published.pictures.get(side))
        found = next((picture for picture in offered if picture and picture.name == name), None)
        if name and found is None:
            raise RefusalError(
                BAD_REQUEST,
                f"{NOT_PROCESSED} The {side} picture {name!r} was not uploaded; approve without "
                "it, or wait for it",
            )
        if found:
            chosen[side] = found
    return chosen


def pictures_at_hand(
    submission: Submission, published: Published | None
) -> dict[str, StoredPicture]:
    """The pictures to publish by default: the submitted ones, and the published one for a side
    without. So a second submission without pictures does not remove them."""
    present = published.pictures if published else {}
    return {
        side: picture
        for side in SIDES
        if (picture := submission.pictures.get(side) or present.get(side))
    }


def published_before(connection: Connection, submission: Submission) -> Published | None:
    """The template that a submission would change."""
    template = submission.template
    if template is None:
        return None
    # A submission for a new template may find it published meanwhile, by another submission.
    named = find_template(connection, submission.template_id) if submission.template_id else None
    return named or template_named(connection, template.manufacturer_id, template.model)


def _with_distinct_names(pictures: StoredPictures) -> StoredPictures:
    """Gives pictures with the same name different names: clients store them in one folder."""
    front, rear = pictures.get("front"), pictures.get("rear")
    if not front or not rear or front.sha256 == rear.sha256:
        return pictures
    # On file systems that ignore case, ``p.png`` and ``P.png`` are one file.
    if front.name.casefold() != rear.name.casefold():
        return pictures
    return {"front": front, "rear": replace(rear, name=f"rear-{rear.name}")}


def _replaced(connection: Connection, template: Template) -> Published | None:
    """The published template that this one replaces."""
    by_id = find_template(connection, template.template_id) if template.template_id else None
    by_name = template_named(connection, template.manufacturer_id, template.model)
    if by_id and by_name and by_id.template.template_id != by_name.template.template_id:
        raise RefusalError(
            FORBIDDEN,
            f"{NOT_PROCESSED} TemplateID {by_id.template.template_id} is named, but this model "
            f"is TemplateID {by_name.template.template_id}",
        )
    return by_id or by_name


def _check_place(
    connection: Connection, user: User, template: Template, published: Published | None
) -> None:
    if find_manufacturer(connection, template.manufacturer_id) is None:
        raise RefusalError(
            FORBIDDEN, f"{NOT_PROCESSED} ManufacturerID {template.manufacturer_id} is unknown"
        )
    touched = {template.manufacturer_id}
    if published:
        touched.add(published.template.manufacturer_id)
    if not all(user.may_decide_on(number) for number in touched):
        raise not_allowed("decide on templates of this manufacturer")


def _publish(
    connection: Connection,
    template: Template,
    pictures: StoredPictures,
    published: Published | None,
    change: Change,
) -> int:
    table = tables.template
    values = {
        "manufacturer_id": template.manufacturer_id,
        "folded": folded(template.model),
        "version": published.version + 1 if published else 1,
        "record": template_json(template),
        "pictures": pictures_json(pictures),
        "last_modified": change.at,
        "change": change.number,
    }
    _touch(connection, template.manufacturer_id, change)
    if published is None:
        number = connection.execute(table.insert().values(**values)).inserted_primary_key
        if number is None:
            raise RuntimeError("the database gave no id")
        return int(number[0])
    # If the template moved, the list of its former manufacturer has changed, too.
    _touch(connection, published.template.manufacturer_id, change)
    template_id = published.template.template_id
    connection.execute(table.update().where(table.c.template_id == template_id).values(**values))
    return template_id


def _touch(connection: Connection, manufacturer_id: int, change: Change) -> None:
    table = tables.manufacturer
    connection.execute(
        table.update()
        .where(table.c.manufacturer_id == manufacturer_id)
        .values(templates_change=change.number, templates_changed=change.at)
    )


def _keep_version(
    connection: Connection, template_id: int, submission: Submission, user: User, change: Change
) -> None:
    present = find_template(connection, template_id)
    if present is None:
        raise RuntimeError("a template that was just published is not there")
    connection.execute(
        tables.template_version.insert().values(
            template_id=template_id,
            version=present.version,
            record=template_json(present.template),
            pictures=pictures_json(present.pictures),
            request_id=submission.request_id,
            approved=change.at,
            approved_by=user.user_id,
        )
    )
