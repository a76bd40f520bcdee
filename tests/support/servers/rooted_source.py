"""A data source in small that selects by roots, as openBIS 7 does, with its faults: roots share one
result set, a root that does not exist is left out, and connections are cut to the selection."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

from shared.model.entities import Entity
from shared.model.kinds import Kind, Relation
from shared.model.master_data import MasterData
from shared.resourcesync.terms import CAPABILITY_LIST_FROM, Document
from shared.resourcesync.writer import write_about
from tests.support.instances.resource_lists import ADDRESSES, AT, a_list
from tests.support.servers.scripted_source import Receive, Request, Send
from tests.support.servers.web_server import serving

ROOT_KINDS = {
    "SPACE": Kind.SPACE,
    "PROJECT": Kind.PROJECT,
    "EXPERIMENT": Kind.EXPERIMENT,
    "SAMPLE": Kind.SAMPLE,
    "DATASET": Kind.DATA_SET,
}
_API = "rmi-application-server-v3.json"
# As our capability list is written, but without the attribute that only ours has.
_CAPABILITIES = (
    '<urlset xmlns:rs="http://www.openarchives.org/rs/terms/">'
    '<rs:md capability="capabilitylist"{}/><url><rs:md capability="resourcelist"/></url></urlset>'
)
_FLAGS = {"below": "with_levels_below", "above": "with_levels_above"}
_RELATIVES = {
    "parents": "with_objects_and_data_sets_parents",
    "children": "with_objects_and_data_sets_children",
}


@dataclass
class RootedSource:
    """An ASGI application. It may also behave like the other sources: ``version`` is ``7``,
    ``20.10`` or ``ours``."""

    master_data: MasterData
    entities: list[Entity]
    version: str = "7"
    at: datetime = AT
    # Statuses by root, and for requests with several roots under "".
    failing: dict[str, int] = field(default_factory=dict)
    # The status of everything that names no list.
    documents: int = 200
    # The spaces of a page, whatever is asked for.
    page: int = 500
    url: str = ""
    requests: list[Request] = field(default_factory=list)

    @property
    def asked(self) -> list[list[str]]:
        """The roots of each request for a list."""
        parameters = map(_parameters, self.requests)
        return [
            found.get("exportable_perm_id", [])
            for found in parameters
            if found.get("verb") == [Document.RESOURCE_LIST.value]
        ]

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = (await receive()).get("body", b"")
        headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
        request = Request(
            method=scope["method"],
            path=scope["path"],
            query=scope["query_string"].decode(),
            headers=headers,
            body=body,
        )
        self.requests.append(request)
        status, answer = self._answer(request)
        length = [(b"content-length", str(len(answer)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": length})
        await send({"type": "http.response.body", "body": answer})

    def _answer(self, request: Request) -> tuple[int, bytes]:
        if request.path.endswith(_API):
            return 200, json.dumps(self._call(json.loads(request.body))).encode()
        found = _parameters(request)
        match found.get("verb"):
            case [Document.RESOURCE_LIST.value]:
                return self._list(found)
            case [Document.CAPABILITY_LIST.value]:
                mark = f' from="{CAPABILITY_LIST_FROM}"' if self.version == "ours" else ""
                return self.documents, _CAPABILITIES.format(mark).encode()
            case None if self.version == "20.10":
                return 500, b"NullPointerException"
            case _:
                return self.documents, write_about(ADDRESSES, [Document.CAPABILITY_LIST])

    def _call(self, call: Mapping[str, Any]) -> dict[str, Any]:
        match call["method"], call["params"]:
            case "login", _:
                result: object = "mira-1"
            case "searchSpaces", [_, _, options]:
                codes = [one.code for one in self.entities if one.kind is Kind.SPACE]
                start, count = options["from"], min(options["count"], self.page)
                page = [{"code": code} for code in codes[start : start + count]]
                result = {"objects": page, "totalCount": len(codes)}
            case _:
                result = None
        return {"jsonrpc": "2.0", "id": "1", "result": result}

    def _list(self, parameters: Mapping[str, Sequence[str]]) -> tuple[int, bytes]:
        roots = parameters.get("exportable_perm_id", [])
        status = self.failing.get(roots[0] if len(roots) == 1 else "", 200)
        if status != 200:
            return status, b"a failure"
        if self.version != "7":
            return 200, a_list([self.master_data, *self.entities], self.at)
        chosen = self._selected(roots, parameters)
        definitions = self.master_data if chosen else MasterData()
        return 200, a_list([definitions, *_cut(chosen)], self.at)

    def _selected(
        self, roots: Sequence[str], parameters: Mapping[str, Sequence[str]]
    ) -> list[Entity]:
        flags = {
            name: parameters.get(parameter) == ["true"]
            for name, parameter in {**_FLAGS, **_RELATIVES}.items()
        }
        found: dict[tuple[Kind, str], Entity] = {}
        for root in roots:
            kind, _, perm_id = root.partition(":")
            start = self._find(ROOT_KINDS[kind], perm_id)
            if start is None:
                continue
            waiting = deque([start])
            while waiting:
                entity = waiting.popleft()
                if (entity.kind, entity.perm_id) not in found:  # a root, too: then nothing below
                    found[entity.kind, entity.perm_id] = entity
                    waiting.extend(self._neighbours(entity, start, flags))
        return list(found.values())

    def _find(self, kind: Kind, perm_id: str) -> Entity | None:
        found = (one for one in self.entities if (one.kind, one.perm_id) == (kind, perm_id))
        return next(found, None)

    def _neighbours(
        self, entity: Entity, root: Entity, flags: Mapping[str, bool]
    ) -> Iterator[Entity]:
        for other in self.entities:
            inside = entity.kind is Kind.SAMPLE or _lies_in(entity, root) or entity is root
            below = flags["below"] and inside and _place(other) == _name(entity)
            above = flags["above"] and _place(entity) == _name(other)
            parent = flags["parents"] and flags["above"] and _is_parent(other, entity)
            child = flags["children"] and flags["below"] and _is_parent(entity, other)
            if below or above or parent or child:
                yield other


def _parameters(request: Request) -> dict[str, list[str]]:
    form = request.headers.get("content-type") == "application/x-www-form-urlencoded"
    return parse_qs(f"{request.query}&{request.body.decode()}" if form else request.query)


def _name(entity: Entity) -> tuple[Kind, str] | None:
    return entity.kind, entity.identifier


def _place(entity: Entity) -> tuple[Kind, str] | None:
    """That in which an entity lies."""
    match entity:
        case Entity(kind=Kind.SPACE):
            return None
        case Entity(sample=place) if place:
            return Kind.SAMPLE, place
        case Entity(kind=Kind.SAMPLE | Kind.DATA_SET, experiment=place) if place:
            return Kind.EXPERIMENT, place
        case Entity(project=project) if project:
            return Kind.PROJECT, f"/{entity.space}/{project}"
        case _:
            return (Kind.SPACE, f"/{entity.space}") if entity.space else None


def _lies_in(entity: Entity, root: Entity) -> bool:
    return entity.identifier.startswith(f"{root.identifier}/")


def _is_parent(parent: Entity, child: Entity) -> bool:
    return parent.kind is child.kind and any(
        edge.relation is Relation.CHILD and edge.to == child.perm_id for edge in parent.connections
    )


def _cut(chosen: Sequence[Entity]) -> Iterator[Entity]:
    """Connections of samples only lead to what is selected."""
    samples = {one.perm_id for one in chosen if one.kind is Kind.SAMPLE}
    for one in chosen:
        if one.kind is Kind.SAMPLE:
            edges = tuple(edge for edge in one.connections if edge.to in samples)
            yield replace(one, connections=edges)
        else:
            yield one


@contextmanager
def rooted_source(master_data: MasterData, entities: Sequence[Entity]) -> Iterator[RootedSource]:
    source = RootedSource(master_data, list(entities))
    with serving(source) as url:
        source.url = url
        yield source
