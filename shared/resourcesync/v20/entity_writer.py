"""Writes entries of entities and of file-service files: the hot path of a resource list."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import lru_cache, partial
from operator import attrgetter

from shared.errors import ItemError
from shared.model.entities import Connection, Entity, ServiceFile
from shared.model.ids import Code
from shared.model.kinds import FACTS, FLAG_NAMES, Frozen, Kind, KindFacts, Relation
from shared.model.master_data import SYSTEM_USER
from shared.resourcesync.addresses import Addresses
from shared.resourcesync.escaping import (
    UnwritableTextError,
    attribute,
    escaped_attribute,
)
from shared.resourcesync.terms import SHA256
from shared.resourcesync.timestamps import format_timestamp, optional_timestamp
from shared.resourcesync.unknown_parts import unknown_attribute
from shared.resourcesync.v20 import content_writer
from shared.resourcesync.v20.meta_data_writer import meta_data_of_entity
from shared.resourcesync.v20.property_writer import properties_block
from shared.resourcesync.v20.terms import AFS_DATA, DATA_SET_CONNECTION

# Fields of `Entity`, by the attributes that show them.
_FIELDS: Mapping[str, str] = {
    "desc": "description",
    "dsKind": "data_set_kind",
    "experiment": "experiment",
    "kind": "kind",
    "modifier": "modifier",
    "project": "project",
    "registrator": "registrator",
    "sample": "sample",
    "space": "space",
    "type": "type",
}
_REGISTERED = "registration-timestamp"
_IMMUTABLE = "immutable-data-timestamp"
_FLAGS = {name: flag for flag, name in FLAG_NAMES.items()}

_RELATIONS = tuple(Relation)


def _places(kind: str, server_url: str) -> tuple[str, str]:
    """The texts before the perm id, in the location and in the link."""
    server = escaped_attribute(server_url, "server URL")
    link = f"{server}?viewMode=SIMPLE&amp;anonymous=true#entity={kind}&amp;permId="
    return f"{server}/{kind}/", link


class _Shape:
    """Texts that the entries of one kind share. Those of values that many entities have (project,
    type, users) are cached."""

    # Combinations of values in the cache.
    _MOST = 4096

    def __init__(self, kind: Kind, facts: KindFacts, name: str | None = None) -> None:
        """``name`` is what the kind is called on the wire."""
        self.kind = kind
        self.facts = facts
        self.name = name
        self.names = facts.attributes[1:]  # the code comes first, and no two have the same
        self.values_of = attrgetter("frozen", *[_FIELDS.get(n, "frozen") for n in self._shared])
        self.shared = lru_cache(self._MOST)(partial(self._written, None))
        self.places = lru_cache(partial(_places, name or kind))

    @property
    def _shared(self) -> list[str]:
        """The attributes whose values many entities have."""
        return [name for name in self.names if name not in {_REGISTERED, _IMMUTABLE, *_FLAGS}]

    def attributes(self, entity: Entity) -> tuple[str, str]:
        """The attributes between the code and the time of registration, and those behind it. A time
        of immutable data is not cached: few entities have one, and no two have the same."""
        if entity.immutable_since is None:
            return self.shared(*self.values_of(entity))
        return self._written(entity.immutable_since, *self.values_of(entity))

    def _written(
        self, immutable: datetime | None, frozen: Frozen, *values: str | None
    ) -> tuple[str, str]:
        texts = dict(zip(self._shared, values, strict=True))
        texts[_IMMUTABLE] = optional_timestamp(immutable)
        texts["registrator"] = texts["registrator"] or SYSTEM_USER
        texts["kind"] = self.name or texts["kind"]
        texts |= {name: "true" for name, flag in _FLAGS.items() if frozen & flag}
        middle = self.names.index(_REGISTERED)
        before, behind = self.names[:middle], self.names[middle + 1 :]
        return (
            "".join([attribute(name, texts.get(name)) for name in before]),
            "".join([attribute(name, texts.get(name)) for name in behind]),
        )


_SHAPES = {kind: _Shape(kind, facts) for kind, facts in FACTS.items()}
_AFS_SHAPE = _Shape(Kind.DATA_SET, FACTS[Kind.DATA_SET], AFS_DATA)


def entity_entry(
    addresses: Addresses,
    entity: Entity,
    data_sets: Sequence[Code] = (),
    joined: Collection[Code] = (),
) -> bytes:
    """The ``url`` element of an entity; fields that its kind does not have are left out.

    ``data_sets``: codes of a sample's data sets, written as its first connections, as the original
    does. ``joined``: as in `properties_block`. ItemError if a text holds what XML cannot.
    """
    shape = _AFS_SHAPE if entity.is_afs else _SHAPES[entity.kind]
    facts, rest = shape.facts, ""
    try:
        head = _head(addresses, shape, entity)
        content = _description(facts, entity, joined)
        if shape.kind is Kind.DATA_SET:
            rest = content_writer.data_set_content(addresses, entity)
        if (data_sets or entity.connections) and facts.relations:
            rest += _connections(entity.connections, data_sets)
        if entity.attachments and facts.has_attachments:
            rest += content_writer.attachments(addresses, entity)
        if entity.unknown:
            head += unknown_attribute(entity.unknown).encode()
    except UnwritableTextError as error:
        raise ItemError(shape.kind.value, entity.perm_id, str(error)) from error
    if content or rest:
        return b"%b>%b%b</x:xd></url>" % (head, content, rest.encode())
    return head + b"/></url>"


def _description(facts: KindFacts, entity: Entity, joined: Collection[Code]) -> bytes:
    """Meta data and properties."""
    content = b""
    if entity.meta_data is not None and facts.has_meta_data:
        content = meta_data_of_entity(entity.meta_data)
    if entity.properties and facts.has_properties:
        content += properties_block(entity.properties, joined)
    return content


def service_file_entry(addresses: Addresses, file: ServiceFile) -> bytes:
    """The ``url`` element of a file-service file, with its bytes or their address."""
    try:
        path = attribute("path", file.path)
        location, link = _places(Kind.FILE, addresses.server_url)
        name = escaped_attribute(file.path, "perm id")
        opening = (
            f"<url><loc>{location}{name}/M</loc>"
            f"<lastmod>{format_timestamp(file.modified)}</lastmod>"
            f'<rs:ln href="{link}{name}" rel="describes"/>'
        )
        if file.content is None:
            content = (
                f"{attribute('href', addresses.service_file(file.path))}"
                f' length="{file.length}"{attribute("checksum", SHA256 + file.sha256)}/>'
            )
        else:
            text = b64encode(file.content).decode()
            content = f">{text}</x:xd>" if text else "/>"
    except UnwritableTextError as error:
        raise ItemError(Kind.FILE.value, file.path, str(error)) from error
    return f'{opening}<x:xd kind="FILE"{path}{content}</url>'.encode()


def _head(addresses: Addresses, shape: _Shape, entity: Entity) -> bytes:
    """The text before the content of ``x:xd``."""
    before, behind = shape.attributes(entity)
    code = escaped_attribute(entity.code, "code")
    if shape.kind is Kind.MATERIAL:
        location, link = _places_of_material(addresses.server_url, code, entity)
    else:
        name = escaped_attribute(entity.perm_id, "perm id")
        location, link = shape.places(addresses.server_url)
        location, link = location + name, link + name
    return (
        f"<url><loc>{location}/M</loc><lastmod>{format_timestamp(entity.modified)}</lastmod>"
        f'<rs:ln href="{link}" rel="describes"/><x:xd code="{code}"{before} registration-timestamp='
        f'"{format_timestamp(entity.registered)}"{behind}'
    ).encode()


def _places_of_material(server_url: str, code: str, entity: Entity) -> tuple[str, str]:
    """Location and link; materials are named by type and code."""
    server = escaped_attribute(server_url, "server URL")
    type_code = escaped_attribute(entity.type or "", "type")
    link = f"{server}#action=VIEW&amp;entity=MATERIAL&amp;code={code}&amp;type={type_code}"
    return f"{server}/MATERIAL/{type_code}/{code}", link


def _connections(connections: tuple[Connection, ...], data_sets: Sequence[Code]) -> str:
    """Data sets, then children, then components, each in the order given."""
    if len(connections) == 1 and not data_sets:  # as most have
        edge = _connection(connections[0].to, connections[0].relation)
        return f"<x:connections>{edge}</x:connections>"
    parts = [_connection(code, DATA_SET_CONNECTION) for code in data_sets]
    if len(connections) > 1:
        connections = tuple(c for r in _RELATIONS for c in connections if c.relation is r)
    parts += [_connection(connection.to, connection.relation) for connection in connections]
    return f"<x:connections>{''.join(parts)}</x:connections>"


def _connection(to: str, relation: str) -> str:
    return f'<x:connection to="{escaped_attribute(to, "a connection")}" type="{relation}"/>'
