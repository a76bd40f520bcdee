"""Routes of the pages: sign-in, queue, one submission, decision, history of a template."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Request
from sqlalchemy import Connection
from starlette.responses import FileResponse, RedirectResponse, Response

from opendcim.repository.answers import format_refused
from opendcim.repository.checking import completed
from opendcim.repository.edits import edited
from opendcim.repository.forms import Tree
from opendcim.repository.moderation import (
    approve_manufacturer,
    approve_template,
    published_before,
    reject,
    undecided,
)
from opendcim.repository.pages.rendering import FOLDER, LOGIN, SEE_OTHER, page
from opendcim.repository.pages.signing_in import (
    CurrentModerator,
    Form,
    OwnForm,
    begin_session,
    credentials_accepted,
    end_session,
    is_of_another_site,
)
from opendcim.repository.pages.views import (
    NONE,
    PUBLISHED,
    SUBMITTED,
    field_rows,
    near_names,
    sides,
    version_views,
)
from opendcim.repository.picture_routes import picture_answer
from opendcim.repository.published import Published, manufacturers, versions
from opendcim.repository.queue import (
    Subject,
    Submission,
    find_submission,
    pending_for,
)
from opendcim.repository.reads import id_of
from opendcim.repository.refusals import (
    FORBIDDEN,
    NOT_FOUND,
    RefusalError,
    no_such_request,
)
from opendcim.repository.site import PAGES, CurrentSite
from opendcim.repository.storage import reading, writing
from opendcim.repository.stored import SIDES, StoredPicture
from opendcim.repository.users import User
from shared.errors import FormatError

routes = APIRouter(prefix=PAGES)

_QUEUE = f"{PAGES}/queue"


@routes.get("")
@routes.get("/")
def start() -> Response:
    return RedirectResponse(_QUEUE, SEE_OTHER)


@routes.get("/style.css")
def style() -> Response:
    return FileResponse(FOLDER / "style.css", media_type="text/css")


@routes.get("/icon.svg")
def icon() -> Response:
    return FileResponse(FOLDER / "icon.svg", media_type="image/svg+xml")


@routes.get("/login")
def login_page() -> Response:
    return page("login.html", None, message="", user_id="")


@routes.post("/login")
def login(request: Request, site: CurrentSite, form: Form) -> Response:
    # Before the sign-in there is no token in the form, so the browser's headers must do.
    if is_of_another_site(request, site):
        raise RefusalError(FORBIDDEN, "This form is of another site")
    user = credentials_accepted(site, form)
    if user is None:
        return page(
            "login.html",
            None,
            FORBIDDEN,
            message="This user id and API key are not those of a moderator or administrator.",
            user_id=str(form.get("user", ""))[:255],
        )
    response = RedirectResponse(_QUEUE, SEE_OTHER)
    begin_session(request, site, user, response)
    return response


@routes.post("/logout")
def logout(request: Request, site: CurrentSite, _form: OwnForm) -> Response:
    response = RedirectResponse(LOGIN, SEE_OTHER)
    end_session(request, site, response)
    return response


@routes.get("/queue")
def queue_page(request: Request, site: CurrentSite, who: CurrentModerator) -> Response:
    with reading(site.engine) as connection:
        names = _names(connection)
        sections = [
            {
                "title": f"{subject.value.capitalize()}s",
                "templates": subject is Subject.TEMPLATE,
                "rows": [_row(one, names) for one in pending_for(connection, who.user, subject)],
            }
            for subject in Subject
            if subject is Subject.TEMPLATE or who.user.administrator
        ]
        done = _done(connection, who.user, request.query_params.get("done", ""))
    return page("queue.html", who, sections=sections, done=done)


@routes.get("/requests/{request_id}")
def request_page(site: CurrentSite, who: CurrentModerator, request_id: str) -> Response:
    with reading(site.engine) as connection:
        submission = _visible(connection, who.user, request_id)
        names = _names(connection)
        published = published_before(connection, submission)
    if submission.template is None:
        near = near_names(submission.name, names)
        return page("manufacturer.html", who, submission=submission, near=near)
    rows = field_rows(submission.template, published, names)
    return page(
        "template.html",
        who,
        submission=submission,
        published=published,
        manufacturer=names.get(submission.manufacturer_id, ""),
        sides=sides(submission, published),
        rows=rows,
        changes=sum(row.line.differs for row in rows),
    )


@routes.get("/requests/{request_id}/pictures/{side}")
def submitted_picture(
    request: Request, site: CurrentSite, who: CurrentModerator, request_id: str, side: str
) -> Response:
    with reading(site.engine) as connection:
        submission = _visible(connection, who.user, request_id)
    picture = submission.pictures.get(side)
    if picture is None:
        raise RefusalError(NOT_FOUND, "There is no such picture")
    return picture_answer(request, site.pictures, picture)


@routes.post("/requests/{request_id}/approve")
def approve(site: CurrentSite, who: CurrentModerator, form: OwnForm, request_id: str) -> Response:
    """Approves with the fields and pictures of the form."""
    number = id_of(request_id)
    with writing(site.engine) as connection:
        submission = _visible(connection, who.user, request_id)
        undecided(connection, who.user, number, submission.subject)
        if submission.template is None:
            approve_manufacturer(connection, who.user, number, str(form.get("name", "")))
        else:
            published = published_before(connection, submission)
            fields = _texts(form.get("field"))
            # The page shows the completed template, so the form has fields that were not submitted.
            try:
                final = edited(completed(submission.template), fields)
            except FormatError as error:
                raise format_refused(error) from error
            pictures = _chosen(_texts(form.get("picture")), submission, published)
            approve_template(connection, who.user, number, final, pictures)
    return RedirectResponse(f"{_QUEUE}?done={number}", SEE_OTHER)


@routes.post("/requests/{request_id}/reject")
def reject_request(
    site: CurrentSite, who: CurrentModerator, form: OwnForm, request_id: str
) -> Response:
    number, reason = id_of(request_id), str(form.get("reason", "")).strip()
    if not reason:
        raise RefusalError(FORBIDDEN, "Say why: the submitter can read it")
    with writing(site.engine) as connection:
        submission = _visible(connection, who.user, request_id)
        reject(connection, who.user, number, submission.subject, reason)
    return RedirectResponse(f"{_QUEUE}?done={number}", SEE_OTHER)


@routes.get("/templates/{template_id}")
def history_page(site: CurrentSite, who: CurrentModerator, template_id: str) -> Response:
    with reading(site.engine) as connection:
        found = versions(connection, id_of(template_id))
        names = _names(connection)
    if not found:
        raise RefusalError(NOT_FOUND, "There is no such template")
    latest = found[0].template
    return page(
        "history.html",
        who,
        template_id=latest.template_id,
        manufacturer=names.get(latest.manufacturer_id, ""),
        model=latest.model,
        versions=version_views(found, names),
    )


def _visible(connection: Connection, user: User, request_id: str) -> Submission:
    """A submission that the user may decide on, even if it is decided. Raises `RefusalError`."""
    submission = find_submission(connection, id_of(request_id))
    if submission is None:
        raise no_such_request()
    of_template = submission.subject is Subject.TEMPLATE
    theirs = of_template and user.may_decide_on(submission.manufacturer_id)
    if not (theirs or user.administrator):
        raise no_such_request()
    return submission


def _row(submission: Submission, names: Mapping[int, str]) -> dict[str, object]:
    return {
        "request_id": submission.request_id,
        "name": submission.name,
        "manufacturer": names.get(submission.manufacturer_id, ""),
        "device_type": submission.template.device_type if submission.template else "",
        "target": submission.template_id,
        "submitted": submission.submitted,
        "submitted_by": submission.submitted_by,
    }


def _done(connection: Connection, user: User, request_id: str) -> str:
    """The page about the submission that was just decided."""
    if not request_id:
        return ""
    try:
        found = _visible(connection, user, request_id)
    except RefusalError:
        return ""
    return "" if found.is_pending else f"Request {found.request_id}, {found.name}: {found.state}."


def _names(connection: Connection) -> dict[int, str]:
    return {one.manufacturer_id: one.name for one in manufacturers(connection)}


def _texts(value: object) -> dict[str, str]:
    return {str(k): str(v) for k, v in value.items()} if isinstance(value, dict) else {}


def _chosen(
    choices: Tree | dict[str, str], submission: Submission, published: Published | None
) -> dict[str, StoredPicture]:
    """The form names a picture by its checksum, so the moderator gets the picture that the page
    showed. Raises `RefusalError` if it is unknown or was replaced."""
    present = published.pictures if published else {}
    chosen: dict[str, StoredPicture] = {}
    for side in SIDES:
        choice, _, seen = str(choices.get(side, NONE)).partition(":")
        offered = {SUBMITTED: submission.pictures.get(side), PUBLISHED: present.get(side)}
        picture = offered.get(choice)
        if picture is None and choice != NONE:
            raise RefusalError(FORBIDDEN, f"There is no {choice} {side} picture any more")
        if picture and picture.sha256 != seen:
            raise RefusalError(
                FORBIDDEN,
                f"The {choice} {side} picture is not the one that this page showed: it was replaced"
                " meanwhile; load the page again",
            )
        if picture:
            chosen[side] = picture
    return chosen
