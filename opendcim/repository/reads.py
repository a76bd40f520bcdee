"""Public routes: manufacturers, templates, their history."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from fastapi import APIRouter, Request
from sqlalchemy import Connection
from starlette.responses import Response

from opendcim.records.records import Manufacturer
from opendcim.records.writing import Record, write_manufacturer, write_template
from opendcim.repository.allowance import Asked, client_of
from opendcim.repository.answers import (
    answer,
    entity_tag,
    is_known,
    list_answer,
    not_modified,
    revalidation,
    since_of,
    too_early,
)
from opendcim.repository.published import (
    Published,
    change_of_all_templates,
    change_of_manufacturers,
    change_of_template,
    change_of_templates,
    find_manufacturer,
    find_template,
    manufacturers,
    templates,
    versions,
)
from opendcim.repository.refusals import NOT_FOUND, RefusalError
from opendcim.repository.site import API, CurrentReader, CurrentSite, Site
from opendcim.repository.storage import Change, reading
from opendcim.repository.users import User

routes = APIRouter(prefix=API)

READ = ["GET", "HEAD"]
# An ETag cannot contain blanks, so the time of ``since`` enters it as digits.
_ONLY_DIGITS = str.maketrans("", "", " :-")
# Digits; a longer number does not fit into the column, so no id has it.
_LONGEST_ID = 9


def id_of(text: str) -> int:
    """0 for a text that is no id: no row has it."""
    plain = text.isascii() and text.isdigit() and len(text) <= _LONGEST_ID
    return int(text) if plain else 0


@routes.api_route("/manufacturer", methods=READ)
def all_manufacturers(request: Request, site: CurrentSite, reader: CurrentReader) -> Response:
    since = since_of(request)

    def render(connection: Connection) -> Record:
        return {"manufacturers": _written(site, manufacturers(connection, since))}

    return _list(request, site, reader, change_of_manufacturers, render, counted=True)


@routes.api_route("/template", methods=READ)
def all_templates(request: Request, site: CurrentSite, reader: CurrentReader) -> Response:
    since = since_of(request)

    def render(connection: Connection) -> Record:
        return _templates(site, templates(connection, since=since))

    return _list(request, site, reader, change_of_all_templates, render, counted=True)


@routes.api_route("/template/bymanufacturer/{number}", methods=READ)
def templates_of(
    request: Request, site: CurrentSite, reader: CurrentReader, number: str
) -> Response:
    manufacturer_id, since = id_of(number), since_of(request)

    def change(connection: Connection) -> Change:
        return change_of_templates(connection, manufacturer_id)

    def render(connection: Connection) -> Record:
        return _templates(site, templates(connection, manufacturer_id, since))

    return _list(request, site, reader, change, render, counted=True)


@routes.api_route("/template/byid/{number}", methods=READ)
@routes.api_route("/template/{number}", methods=READ)
def one_template(
    request: Request, site: CurrentSite, reader: CurrentReader, number: str
) -> Response:
    """An empty list if there is none."""
    template_id = id_of(number)

    def change(connection: Connection) -> Change:
        return change_of_template(connection, template_id)

    def render(connection: Connection) -> Record:
        found = find_template(connection, template_id)
        return _templates(site, [found] if found else [])

    return _list(request, site, reader, change, render, counted=False)


@routes.api_route("/template/{number}/history", methods=READ)
def history(site: CurrentSite, reader: CurrentReader, number: str) -> Response:
    """All versions, the latest first. Only administrators see who approved them."""
    with reading(site.engine) as connection:
        found = versions(connection, id_of(number))
    shown = bool(reader and reader.administrator)
    return answer(
        {
            "templateversions": [
                {
                    "Version": one.version if site.numbers else str(one.version),
                    "ApprovedDate": one.approved,
                    "ApprovedBy": one.approved_by if shown else "",
                    **write_template(one.template, numbers=site.numbers),
                }
                for one in found
            ]
        }
    )


@routes.api_route("/manufacturer/byid/{number}", methods=READ)
@routes.api_route("/manufacturer/{number}", methods=READ)
def one_manufacturer(
    request: Request, site: CurrentSite, reader: CurrentReader, number: str
) -> Response:
    """Answers 404 if there is none."""

    def render(connection: Connection) -> Record:
        found = find_manufacturer(connection, id_of(number))
        if found is None:
            raise RefusalError(NOT_FOUND, "ManufacturerID not found.")
        return {"manufacturers": _written(site, [found])}

    return _list(request, site, reader, change_of_manufacturers, render, counted=False)


def _list(
    request: Request,
    site: Site,
    reader: User | None,
    change_of: Callable[[Connection], Change],
    render: Callable[[Connection], Record],
    *,
    counted: bool,
) -> Response:
    """Answers 304 if the client has the list, 429 if it was sent too often, else the list."""
    with reading(site.engine) as connection:
        # Tag and list come from one snapshot; otherwise an old list might go out with a new tag.
        change = change_of(connection)
        since = since_of(request).translate(_ONLY_DIGITS)
        tag = entity_tag(site.representation, change.number, *([since] if since else []))
        headers = revalidation(tag, change)
        # This comes before the allowance: clients may ask with their tag as often as they like.
        if is_known(request, tag, change):
            return not_modified(headers)
        if counted and request.method != "HEAD":
            refused = _refused(request, site, reader)
            if refused:
                return refused
        return list_answer(request, headers, lambda: render(connection))


def _refused(request: Request, site: Site, reader: User | None) -> Response | None:
    path, since = request.url.path, "since" in request.query_params
    asked = Asked(
        client=client_of(
            reader.user_id if reader else None, request.client.host if request.client else None
        ),
        # The time itself is left out: each new time would count as a list that was never sent.
        name=f"{path}?since" if since else path,
        everything=path == f"{API}/template" and not since,
    )
    seconds = site.allowance.take(asked)
    if not seconds:
        return None
    times = site.allowance.times(asked)
    return too_early(
        seconds,
        f"This list was sent to you {times} time{'s' if times > 1 else ''} within "
        f"{site.allowance.interval} (days, hours:minutes:seconds), and no more; come back in "
        f"{seconds} seconds. Send If-None-Match with the ETag that you were given: an answer that "
        "nothing has changed is not counted",
    )


def _written(site: Site, found: Iterable[Manufacturer]) -> list[Record]:
    return [write_manufacturer(one, numbers=site.numbers) for one in found]


def _templates(site: Site, found: Iterable[Published]) -> Record:
    return {
        "templates": [
            write_template(site.with_addresses(one), numbers=site.numbers) for one in found
        ]
    }
