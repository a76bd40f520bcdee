"""The routes for stock ResourceSync clients: documents, and files at addresses of one prefix."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from typing import BinaryIO

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import PlainTextResponse
from starlette.responses import Response

from shared.errors import RequestError
from shared.resourcesync.set_addresses import (
    ABOUT_PATH,
    ENTITIES_CAPABILITIES_PATH,
    FILE_LIST_PARTS_PATH,
    FILE_LIST_PATH,
    FILES_CAPABILITIES_PATH,
    FILES_DESCRIPTION_PATH,
    LISTED_AFS_PATH,
    LISTED_ATTACHMENTS_PATH,
    LISTED_DATA_SETS_PATH,
    LISTED_SERVICE_FILES_PATH,
    WELL_KNOWN,
)
from source_server.publication.catalogue import Scope, Snapshot
from source_server.publication.file_lists import Asked, file_list_tag
from source_server.publication.listed_files import Unseen
from source_server.publication.resource_sets import ABOUT, ENTITIES, FILES, SETS, description
from source_server.publication.selection import Selection, SpacePatterns
from source_server.web.clients import READ, XML, Client, Server, SignedIn, scope_of, sent, turn_of
from source_server.web.convertors import EVERY_NAME
from source_server.web.etags import has_it_already
from source_server.web.files import attachment_answer, data_set_file_answer, service_file_answer
from source_server.web.requests_watched import Served
from source_server.web.streaming import StreamedResponse, accepts_gzip

_BLOCK = 256 * 1024

# The key of lists of files among the limits of lists: no code of a space begins with a slash.
_FILE_LIST = Selection(white=SpacePatterns(texts=(FILE_LIST_PATH,)))
_UNSEEN = "unseen"

RESOURCE_SETS = APIRouter()


@RESOURCE_SETS.api_route(WELL_KNOWN, methods=READ)
def source_description(server: Server, client: Client) -> Response:
    client.visit.kind = Served.ABOUT
    return _document(description(server.publication.addresses, *SETS))


@RESOURCE_SETS.api_route(FILES_DESCRIPTION_PATH, methods=READ)
def description_of_files(server: Server, client: Client) -> Response:
    """A source description of the files alone, for clients that cannot choose among sets."""
    client.visit.kind = Served.ABOUT
    return _document(description(server.publication.addresses, FILES))


@RESOURCE_SETS.api_route(ABOUT_PATH, methods=READ)
def about(client: Client) -> Response:
    """The page for people to which the documents link."""
    client.visit.kind = Served.ABOUT
    return PlainTextResponse(ABOUT)


@RESOURCE_SETS.api_route(ENTITIES_CAPABILITIES_PATH, methods=READ)
def capabilities_of_entities(server: Server, client: Client) -> Response:
    client.visit.kind = Served.CAPABILITY_LIST
    return _document(ENTITIES.described(server.publication.addresses))


@RESOURCE_SETS.api_route(FILES_CAPABILITIES_PATH, methods=READ)
def capabilities_of_files(server: Server, client: Client) -> Response:
    client.visit.kind = Served.CAPABILITY_LIST
    return _document(FILES.described(server.publication.addresses))


@RESOURCE_SETS.api_route(FILE_LIST_PATH, methods=READ)
def file_list(request: Request, server: Server, client: Client) -> Response:
    """The list of files, or the index of its parts."""
    client.visit.kind = Served.FILE_LIST
    asked = _asked(request, client)
    headers = {"Content-Type": XML, "Vary": "Accept-Encoding"}
    tag = file_list_tag(server.publication, client.scope, asked)
    if tag is not None and has_it_already(request.headers.get("if-none-match"), tag):
        return Response(status_code=304, headers=headers | {"ETag": tag})
    if request.method == "HEAD":
        return Response(headers=headers)
    client.visit.hold(turn_of(server, client, _FILE_LIST))

    def visible(_snapshot: Snapshot) -> Scope:
        return scope_of(server, client.user_id)

    made = server.file_lists.made(server.publication, visible, asked)
    if tag is not None and not made.is_index:
        headers["ETag"] = tag
    if not accepts_gzip(request.headers.get("accept-encoding", "")):
        headers["Content-Length"] = str(made.length)
    return sent(request, made.chunks, headers)


@RESOURCE_SETS.api_route(f"{FILE_LIST_PARTS_PATH}/{{list_id}}/{{number}}.xml", methods=READ)
def part_of_file_list(
    request: Request, server: Server, client: Client, list_id: str, number: str
) -> Response:
    client.visit.kind = Served.FILE_LIST
    name = list_id, number
    file = server.file_lists.part(server.publication, client.scope, client.user_id, name)
    if file is None:
        raise HTTPException(
            404, f"this part is not there (any more), or not for you; ask for {FILE_LIST_PATH} anew"
        )
    headers = {"Content-Type": XML, "Vary": "Accept-Encoding"}
    if request.method == "HEAD":
        file.close()
        return Response(headers=headers)
    if not accepts_gzip(request.headers.get("accept-encoding", "")):
        return StreamedResponse(_unpacked(file), close=file.close, headers=headers)
    headers["Content-Encoding"] = "gzip"
    return StreamedResponse(_blocks(file), close=file.close, headers=headers)


@RESOURCE_SETS.api_route(f"{LISTED_DATA_SETS_PATH}/{{code}}/{{path:{EVERY_NAME}}}", methods=READ)
@RESOURCE_SETS.api_route(f"{LISTED_AFS_PATH}/{{code}}/{{path:{EVERY_NAME}}}", methods=READ)
def listed_data_set_file(request: Request, server: Server, code: str, path: str) -> Response:
    return data_set_file_answer(request, server, code, path)


@RESOURCE_SETS.api_route(
    f"{LISTED_ATTACHMENTS_PATH}/{{kind}}/{{perm_id}}/{{version}}/{{file_name:{EVERY_NAME}}}",
    methods=READ,
)
def listed_attachment(request: Request, server: Server) -> Response:
    names = request.path_params
    return attachment_answer(
        request,
        server,
        (names["kind"], names["perm_id"], names["version"], names["file_name"]),
    )


@RESOURCE_SETS.api_route(f"{LISTED_SERVICE_FILES_PATH}/{{path:{EVERY_NAME}}}", methods=READ)
def listed_service_file(request: Request, server: Server, path: str) -> Response:
    return service_file_answer(request, server, path)


def _document(content: bytes) -> Response:
    return Response(content, headers={"Content-Type": XML})


def _asked(request: Request, client: SignedIn) -> Asked:
    unseen = request.query_params.get(_UNSEEN, Unseen.LISTED)
    if unseen not in set(Unseen):
        raise RequestError(f"{_UNSEEN}={unseen}: it must be one of {', '.join(Unseen)}")
    return Asked(user_id=client.user_id, unseen=Unseen(unseen))


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    while block := file.read(_BLOCK):
        yield block


def _unpacked(file: BinaryIO) -> Iterator[bytes]:
    with gzip.open(file, "rb") as unpacked:
        while block := unpacked.read(_BLOCK):
            yield block
