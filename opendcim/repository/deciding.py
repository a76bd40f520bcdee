"""Routes of the queue: pending submissions, approval, rejection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from opendcim.records.reading import read_number, read_template, read_text
from opendcim.records.records import Template
from opendcim.repository.answers import answer, format_refused
from opendcim.repository.bodies import read_body, read_json
from opendcim.repository.forms import Tree
from opendcim.repository.moderation import (
    approve_manufacturer,
    approve_template,
    pictures_named,
    published_before,
    reject,
    undecided,
)
from opendcim.repository.published import Published
from opendcim.repository.queue import (
    Subject,
    Submission,
    find_submission,
    pending,
    pending_for,
)
from opendcim.repository.reads import READ, id_of
from opendcim.repository.site import API, CurrentSite, CurrentUser
from opendcim.repository.storage import reading, writing
from opendcim.repository.submission_records import manufacturer_record, template_record
from opendcim.repository.users import User
from shared.errors import FormatError

routes = APIRouter(prefix=API)


async def _json(request: Request, _user: CurrentUser) -> Tree:
    # The parameter ``_user`` has the key checked first: no body is read for a stranger.
    body = await read_body(request)
    try:
        return await run_in_threadpool(read_json, body)
    except FormatError as error:
        raise format_refused(error) from error


async def _reason(request: Request, _user: CurrentUser) -> str:
    """The ``Reason`` that the original's page sends as JSON; "" for any other body."""
    body = await read_body(request)
    try:
        tree = await run_in_threadpool(read_json, body)
        return read_text(tree.get("Reason"), "Reason")
    except FormatError:
        return ""


Json = Annotated[Tree, Depends(_json)]
Reason = Annotated[str, Depends(_reason)]


@routes.api_route("/manufacturer/pending", methods=READ)
@routes.api_route("/manufacturer/pending/", methods=READ)
def pending_manufacturers(site: CurrentSite, user: CurrentUser) -> Response:
    """Every user with a key may read these: installations show what is pending."""
    with reading(site.engine) as connection:
        found = pending(connection, Subject.MANUFACTURER)
    records = [manufacturer_record(one, user, numbers=site.numbers) for one in found]
    return answer({"manufacturersqueue": records})


@routes.api_route("/manufacturer/pending/{request_id}", methods=READ)
@routes.api_route("/manufacturer/pending/byid/{request_id}", methods=READ)
def pending_manufacturer(site: CurrentSite, user: CurrentUser, request_id: str) -> Response:
    """Also submissions that are decided."""
    with reading(site.engine) as connection:
        found = find_submission(connection, id_of(request_id))
    shown = found if found and found.subject is Subject.MANUFACTURER else None
    records = [manufacturer_record(shown, user, numbers=site.numbers)] if shown else []
    return answer({"manufacturersqueue": records})


@routes.api_route("/template/pending", methods=READ)
@routes.api_route("/template/pending/", methods=READ)
def pending_templates(site: CurrentSite, user: CurrentUser) -> Response:
    """The submissions that the user may decide on."""
    with reading(site.engine) as connection:
        found = pending_for(connection, user, Subject.TEMPLATE)
    records = [template_record(one, user, numbers=site.numbers, parts=False) for one in found]
    return answer({"templatequeue": records})


@routes.api_route("/template/pending/{request_id}", methods=READ)
def pending_template(site: CurrentSite, user: CurrentUser, request_id: str) -> Response:
    """The user's own submission, or one to decide on; decided ones too."""
    with reading(site.engine) as connection:
        found = find_submission(connection, id_of(request_id))
    shown = found if found and _may_see(user, found) else None
    if shown is None:
        return answer({"templatequeue": []})
    record = template_record(shown, user, numbers=site.numbers, parts=True)
    return answer({"templatequeue": [record]})


def _may_see(user: User, submission: Submission) -> bool:
    if submission.subject is not Subject.TEMPLATE:
        return False
    own = submission.submitted_by == user.user_id
    return own or user.may_decide_on(submission.manufacturer_id)


@routes.post("/manufacturer/approve")
def post_manufacturer_approval(site: CurrentSite, user: CurrentUser, body: Json) -> Response:
    request_id, name = _request_id(body), _text(body, "Name")
    with writing(site.engine) as connection:
        undecided(connection, user, request_id, Subject.MANUFACTURER)
        approve_manufacturer(connection, user, request_id, name)
    return answer(message="Manufacturer has been approved.")


@routes.post("/template/approve")
def post_template_approval(site: CurrentSite, user: CurrentUser, body: Json) -> Response:
    """Publishes the record in the body; the submission itself is not read (opendcim.md, 1.6)."""
    request_id = _request_id(body)
    with writing(site.engine) as connection:
        submission = undecided(connection, user, request_id, Subject.TEMPLATE)
        published = published_before(connection, submission)
        final = _final(body, submission, published)
        chosen = pictures_named(submission, published, final)
        approve_template(connection, user, request_id, final, chosen)
    return answer(message="Template has been approved.")


@routes.post("/manufacturer/pending/delete/{request_id}")
def post_manufacturer_rejection(
    site: CurrentSite, user: CurrentUser, reason: Reason, request_id: str
) -> Response:
    with writing(site.engine) as connection:
        reject(connection, user, id_of(request_id), Subject.MANUFACTURER, reason)
    return answer()


@routes.post("/template/pending/delete/{request_id}")
def post_template_rejection(
    site: CurrentSite, user: CurrentUser, reason: Reason, request_id: str
) -> Response:
    with writing(site.engine) as connection:
        reject(connection, user, id_of(request_id), Subject.TEMPLATE, reason)
    return answer()


def _final(
    body: Mapping[str, object], submission: Submission, published: Published | None
) -> Template:
    """Collections that the body lacks stay as published, as in the original."""
    try:
        final = read_template(body)
    except FormatError as error:
        raise format_refused(error) from error
    # A body without an id means the template of the submission; it must not become a new one.
    final = replace(final, template_id=final.template_id or submission.template_id)
    if published is None:
        return final
    present = published.template
    return replace(
        final,
        ports=final.ports if "ports" in body else present.ports,
        power_ports=final.power_ports if "powerports" in body else present.power_ports,
        slots=final.slots if "slots" in body else present.slots,
        cdu=final.cdu if "cdutemplate" in body else present.cdu,
        sensor=final.sensor if "sensortemplate" in body else present.sensor,
    )


def _request_id(body: Mapping[str, object]) -> int:
    try:
        return read_number(body.get("RequestID"), "RequestID")
    except FormatError as error:
        raise format_refused(error) from error


def _text(body: Mapping[str, object], member: str) -> str:
    try:
        return read_text(body.get(member), member)
    except FormatError as error:
        raise format_refused(error) from error
