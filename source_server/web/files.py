"""The routes of files, at the addresses that resource lists name."""

from __future__ import annotations

import re

from fastapi import APIRouter, Request
from starlette.responses import Response

from shared.errors import RequestError
from shared.model.ids import Code, PermId
from shared.model.kinds import ATTACHMENT_HOLDERS, Kind
from shared.resourcesync.addresses import ATTACHMENTS_PATH, DATA_STORE_PATH, FILE_SERVICE_PATH
from source_server.publication.catalogue import Downloadable
from source_server.web.clients import READ, Server, ServerState, client_of
from source_server.web.convertors import EVERY_NAME
from source_server.web.downloads import answer_with
from source_server.web.requests_watched import Served

# Digits; a longer number does not fit into a column of the databases.
_LONGEST_VERSION = 9

FILES = APIRouter()


@FILES.api_route(
    f"{ATTACHMENTS_PATH}/{{kind}}/{{perm_id}}/{{file_name:{EVERY_NAME}}}", methods=READ
)
def attachment(
    request: Request, server: Server, kind: str, perm_id: str, file_name: str
) -> Response:
    """A version of an attachment."""
    version = request.query_params.get("version", "")
    return attachment_answer(request, server, (kind, perm_id, version, file_name))


@FILES.api_route(f"{FILE_SERVICE_PATH}/{{path:{EVERY_NAME}}}", methods=READ)
def service_file(request: Request, server: Server, path: str) -> Response:
    """A file of the file service."""
    return service_file_answer(request, server, path)


@FILES.api_route(f"{DATA_STORE_PATH}/{{code}}/{{path:{EVERY_NAME}}}", methods=READ)
def data_set_file(request: Request, server: Server, code: str, path: str) -> Response:
    """A file of a data set."""
    return data_set_file_answer(request, server, code, path)


def attachment_answer(
    request: Request, server: ServerState, names: tuple[str, str, str, str]
) -> Response:
    """``names``: kind and perm id of the holder, version and name of the file."""
    client = client_of(request, server)
    client.visit.kind = Served.ATTACHMENT
    kind, perm_id, version, file_name = names
    if not re.fullmatch("[0-9]+", version):
        raise RequestError("version=<number> is missing: which version of the attachment?")
    content: Downloadable | None = None
    known = kind in ATTACHMENT_HOLDERS and len(version) <= _LONGEST_VERSION
    if known and _is_plain(perm_id) and _is_plain(file_name):
        content = server.catalogue.attachment(
            Kind(kind), PermId(perm_id), file_name, int(version), client.scope
        )
    return answer_with(content, request.method, request.headers)


def service_file_answer(request: Request, server: ServerState, path: str) -> Response:
    client = client_of(request, server)
    client.visit.kind = Served.SERVICE_FILE
    content = server.catalogue.service_file(path, client.scope) if _is_plain(path) else None
    return answer_with(content, request.method, request.headers)


def data_set_file_answer(request: Request, server: ServerState, code: str, path: str) -> Response:
    client = client_of(request, server)
    client.visit.kind = Served.DATA_SET_FILE
    content: Downloadable | None = None
    if _is_plain(code) and _is_plain(path):
        content = server.catalogue.data_set_file(Code(code), path, client.scope)
    return answer_with(content, request.method, request.headers)


def _is_plain(path: str) -> bool:
    """Whether the path can exist at all, so that the catalogue must be asked."""
    return "\0" not in path and not {"", ".", ".."} & set(path.split("/"))
