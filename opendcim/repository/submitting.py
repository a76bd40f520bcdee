"""Routes for submitters: manufacturers, templates, pictures, and decisions."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.responses import Response

from opendcim.records.picture_names import base_name
from opendcim.records.reading import read_submission, read_text
from opendcim.records.records import Template
from opendcim.records.texts import encoded
from opendcim.repository.answers import answer, format_refused
from opendcim.repository.bodies import limited, read_body, tree_of
from opendcim.repository.forms import Tree
from opendcim.repository.queue import (
    add_pictures,
    find_submission,
    pictures_wanted,
    submissions_of,
    submit_manufacturer,
    submit_template,
)
from opendcim.repository.reads import READ, id_of
from opendcim.repository.refusals import (
    BAD_REQUEST,
    FORBIDDEN,
    NOT_PROCESSED,
    RefusalError,
    no_such_request,
)
from opendcim.repository.site import API, CurrentSite, CurrentUser
from opendcim.repository.storage import reading, writing
from opendcim.repository.stored import SIDES
from opendcim.repository.submission_records import number, state_record
from shared.errors import FormatError

routes = APIRouter(prefix=API)

_MANUFACTURER_QUEUED = "Manufacturer addition has been submitted for approval."
_TEMPLATE_QUEUED = "Device template queued for approval."
_MULTIPART = "multipart/form-data"
# Bytes of a request besides its pictures.
_AROUND_PICTURES = 1 << 20
_MOST_PARTS = 20
_OVERRIDE = "_METHOD"

# Name and type as the client gave them, and the content.
Upload = tuple[str, str, bytes]


async def _tree(request: Request, _user: CurrentUser) -> Tree:
    """The body; it is read only after the key is checked."""
    body = await read_body(request)
    try:
        # Parsing megabytes in the event loop would hold up all other requests.
        return await run_in_threadpool(tree_of, request.headers.get("content-type", ""), body)
    except FormatError as error:
        raise format_refused(error) from error


Body = Annotated[Tree, Depends(_tree)]


@routes.put("/manufacturer")
def put_manufacturer(site: CurrentSite, user: CurrentUser, body: Body) -> Response:
    name = _read_name(body)
    with writing(site.engine) as connection:
        queued = submit_manufacturer(connection, user, name)
    shown = {
        "RequestID": number(queued.request_id, numbers=site.numbers),
        "Name": encoded(queued.name),
    }
    return answer({"manufacturer": shown}, message=_MANUFACTURER_QUEUED)


@routes.put("/template")
@routes.put("/templatealt")
def put_template(site: CurrentSite, user: CurrentUser, body: Body) -> Response:
    """Accepts both encodings on both routes."""
    submitted = _read_template(body)
    with writing(site.engine) as connection:
        queued = submit_template(connection, user, submitted)
    shown = {"RequestID": number(queued.request_id, numbers=site.numbers)}
    return answer({"template": shown}, message=_TEMPLATE_QUEUED)


@routes.post("/manufacturer")
def post_manufacturer(site: CurrentSite, user: CurrentUser, body: Body) -> Response:
    """Submits for clients that can send forms only, with ``_METHOD=PUT``."""
    _need_override(body)
    return put_manufacturer(site, user, body)


@routes.post("/template")
@routes.post("/templatealt")
def post_template(site: CurrentSite, user: CurrentUser, body: Body) -> Response:
    _need_override(body)
    return put_template(site, user, body)


async def _uploads(request: Request, site: CurrentSite, _user: CurrentUser) -> dict[str, Upload]:
    """The files ``front`` and ``rear``, if they are there; other fields are ignored."""
    if not request.headers.get("content-type", "").lower().startswith(_MULTIPART):
        await read_body(request)
        return {}
    largest = len(SIDES) * site.pictures.largest + _AROUND_PICTURES
    parser = MultiPartParser(
        request.headers, limited(request, largest), max_files=_MOST_PARTS, max_fields=_MOST_PARTS
    )
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError, ValueError) as error:
        raise RefusalError(BAD_REQUEST, f"{NOT_PROCESSED} {error}") from error
    found: dict[str, Upload] = {}
    for side in SIDES:
        file = form.get(side)
        if isinstance(file, UploadFile) and file.filename:
            found[side] = (file.filename, file.content_type or "", await file.read())
    await form.close()
    return found


Uploads = Annotated[dict[str, Upload], Depends(_uploads)]


@routes.post("/template/addpictures/{request_id}")
def post_pictures(
    site: CurrentSite, user: CurrentUser, uploads: Uploads, request_id: str
) -> Response:
    """Also answers a call without files: the original's browser client makes it."""
    if not uploads:
        return answer({"files": []})
    asked = id_of(request_id)
    names = {side: base_name(name) for side, (name, _, _) in uploads.items()}
    if not all(names.values()):
        raise RefusalError(BAD_REQUEST, f"{NOT_PROCESSED} A picture has no usable name")
    # This check comes first, since a refused upload must not leave files in the folder.
    with reading(site.engine) as connection:
        pictures_wanted(connection, user, asked, names)
    # Decoding takes long, so it is done between the transactions: writers wait for each other.
    kept = {
        side: site.pictures.add(names[side], content) for side, (_, _, content) in uploads.items()
    }
    with writing(site.engine) as connection:
        add_pictures(connection, user, asked, kept)
    return answer({"files": {side: _echo(upload) for side, upload in uploads.items()}})


@routes.api_route("/submission", methods=READ)
def own_submissions(site: CurrentSite, user: CurrentUser) -> Response:
    """The user's own submissions, the latest first."""
    with reading(site.engine) as connection:
        found = submissions_of(connection, user)
    return answer({"submissions": [state_record(one, numbers=site.numbers) for one in found]})


@routes.api_route("/submission/{request_id}", methods=READ)
def own_submission(site: CurrentSite, user: CurrentUser, request_id: str) -> Response:
    """One of the user's own; 404 for any other."""
    with reading(site.engine) as connection:
        found = find_submission(connection, id_of(request_id))
    if found is None or found.submitted_by != user.user_id:
        raise no_such_request()
    return answer({"submissions": [state_record(found, numbers=site.numbers)]})


def _read_name(body: Tree) -> str:
    try:
        return read_text(body.get("Name"), "Name")
    except FormatError as error:
        raise format_refused(error, FORBIDDEN) from error


def _read_template(body: Tree) -> Template:
    try:
        return read_submission(body)
    except FormatError as error:
        raise format_refused(error, FORBIDDEN) from error


def _need_override(body: Tree) -> None:
    if str(body.get(_OVERRIDE, "")).upper() != "PUT":
        raise RefusalError(BAD_REQUEST, "To submit, use PUT (or POST with _METHOD=PUT)")


def _echo(upload: Upload) -> dict[str, object]:
    """An upload as PHP describes it, without the path."""
    name, media_type, content = upload
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return {
        "name": last,
        "full_path": name,
        "type": media_type,
        "tmp_name": "",
        "error": 0,
        "size": len(content),
    }
