"""Published pictures, under addresses that the clients of openDCIM recognise."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import FileResponse, Response

from opendcim.records.picture_names import published_name
from opendcim.repository.answers import entity_tag, not_modified
from opendcim.repository.picture_store import PictureStore
from opendcim.repository.published import find_template
from opendcim.repository.reads import READ, id_of
from opendcim.repository.refusals import NOT_FOUND, RefusalError
from opendcim.repository.site import PICTURES, CurrentSite
from opendcim.repository.storage import reading
from opendcim.repository.stored import StoredPicture

routes = APIRouter(prefix=PICTURES)


@routes.api_route("/{name}", methods=READ)
def published_picture(request: Request, site: CurrentSite, name: str) -> Response:
    """Looks the name up in the database; it is never used as a path."""
    template_id = id_of(name.partition(".")[0])
    with reading(site.engine) as connection:
        found = find_template(connection, template_id)
    pictures = found.pictures.values() if found else ()
    picture = next((p for p in pictures if published_name(template_id, p.name) == name), None)
    if picture is None:
        raise RefusalError(NOT_FOUND, "There is no such picture.")
    return picture_answer(request, site.pictures, picture)


def picture_answer(request: Request, store: PictureStore, picture: StoredPicture) -> Response:
    """Headers that let a browser show the picture as its own type, or not at all."""
    # The tag is strong, since a picture is only ever sent as the bytes that were hashed.
    tag = entity_tag(picture.sha256).removeprefix("W/")
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    known = request.headers.get("if-none-match", "")
    if tag in known:
        return not_modified(headers)
    place = store.place(picture.sha256)
    if not place.is_file():
        raise RefusalError(NOT_FOUND, "The picture is not in the folder of pictures any more.")
    return FileResponse(place, media_type=picture.media_type, headers=headers)
