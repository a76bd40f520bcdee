"""Entries of entities and of file-service files: the hot path of a resource list."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from operator import attrgetter

from shared.errors import ItemError
from shared.model.entities import Connection, Entity, ServiceFile
from shared.model.ids import Code
from shared.model.kinds import FACTS, FLAG_NAMES, Kind, Relation
from shared.model.master_data import SYSTEM_USER
from shared.resourcesync import content_writer
from shared.resourcesync.addresses import Addresses
from shared.resourcesync.escaping import (
    UnwritableTextError,
    attribute,
    escaped_attribute,
    escaped_text,
    is_plain_attribute,
    is_plain_text,
)
from shared.resourcesync.terms import DATA_SET_CONNECTION, SHA256
from shared.resourcesync.timestamps import format_timestamp

_Value = Callable[[Entity], str | None]

_FIELDS: Mapping[str, _Value] = {
    "code": attrgetter("code"),
    "desc": attrgetter("description"),
    "dsKind": attrgetter("data_set_kind"),
    "experiment": attrgetter("experiment"),
    "kind": attrgetter("kind"),
    "modifier": attrgetter("modifier"),
    "project": attrgetter("project"),
    "registration-timestamp": lambda entity: format_timestamp(entity.registered),
    "registrator": lambda entity: entity.registrator or SYSTEM_USER,
    "sample": attrgetter("sample"),
    "space": attrgetter("space"),
    "type": attrgetter("type"),
}
_FLAGS = {name: flag for flag, name in FLAG_NAMES.items()}

_RELATIONS = tuple(Relation)

_Attributes = tuple[tuple[str, str, _Value], ...]


def _attributes_of(names: Sequence[str]) -> _Attributes:
    """Name, opening and value of those attributes; a flag is written only if it is set."""

    def flag(name: str) -> _Value:
        return lambda entity: "true" if entity.frozen & _FLAGS[name] else None

    return tuple((name, f' {name}="', _FIELDS.get(name) or flag(name)) for name in names)


_FROZEN_ATTRIBUTES = {kind: _attributes_of(facts.attributes) for kind, facts in FACTS.items()}
_ATTRIBUTES = {
    kind: _attributes_of([name for name in facts.attributes if name not in _FLAGS])
    for kind, facts in FACTS.items()
}


class _PropertyOpenings(dict[str, str]):
    """What stands before a value, by property code; there are few codes and many values."""

    def __missing__(self, code: str) -> str:
        escaped = escaped_text(code, "a property's code")
        self[code] = f"<x:property><x:code>{escaped}</x:code><x:value>"
        return self[code]


_PROPERTY_OPENINGS = _PropertyOpenings()


def entity_entry(addresses: Addresses, entity: Entity, data_sets: Sequence[Code] = ()) -> str:
    """The ``url`` element of an entity; what its kind does not have is not written.

    ``data_sets``: codes of a sample's data sets, written as its first connections, as the original
    does. ItemError if a text holds what XML cannot.
    """
    try:
        attributes = _written_attributes(entity)
        inner = "".join(_blocks(addresses, entity, data_sets))
        if entity.kind is Kind.MATERIAL:
            opening = _material_opening(addresses, entity)
        else:
            opening = _opening(addresses, entity.kind, entity.perm_id, entity.modified)
    except UnwritableTextError as error:
        raise ItemError(entity.kind.value, entity.perm_id, str(error)) from error
    content = f">{inner}</x:xd></url>" if inner else "/></url>"
    return f"{opening}<x:xd{attributes}{content}"


def service_file_entry(addresses: Addresses, file: ServiceFile) -> str:
    """The ``url`` element of a file-service file: its bytes, or where they are served."""
    try:
        path = attribute("path", file.path)
        opening = _opening(addresses, Kind.FILE, file.path, file.modified)
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
    return f'{opening}<x:xd kind="FILE"{path}{content}</url>'


def _opening(addresses: Addresses, kind: Kind, perm_id: str, modified: datetime) -> str:
    """All that stands before ``x:xd``."""
    server = escaped_attribute(addresses.server_url, "server URL")
    name = escaped_attribute(perm_id, "perm id")
    link = f"{server}?viewMode=SIMPLE&amp;anonymous=true#entity={kind}&amp;permId={name}"
    return _envelope(f"{server}/{kind}/{name}", modified, link)


def _material_opening(addresses: Addresses, entity: Entity) -> str:
    server = escaped_attribute(addresses.server_url, "server URL")
    code = escaped_attribute(entity.code, "code")
    type_code = escaped_attribute(entity.type or "", "type")
    link = f"{server}#action=VIEW&amp;entity=MATERIAL&amp;code={code}&amp;type={type_code}"
    return _envelope(f"{server}/MATERIAL/{type_code}/{code}", entity.modified, link)


def _envelope(name: str, modified: datetime, link: str) -> str:
    return (
        f"<url><loc>{name}/M</loc><lastmod>{format_timestamp(modified)}</lastmod>"
        f'<rs:ln href="{link}" rel="describes"/>'
    )


def _written_attributes(entity: Entity) -> str:
    """One look at all the values together, as for the properties."""
    wanted = (_FROZEN_ATTRIBUTES if entity.frozen else _ATTRIBUTES)[entity.kind]
    written = [
        (opening, value, name)
        for name, opening, value_of in wanted
        if (value := value_of(entity)) is not None
    ]
    if is_plain_attribute("".join([value for _, value, _ in written])):
        return "".join([f'{opening}{value}"' for opening, value, _ in written])
    return "".join(
        [f'{opening}{escaped_attribute(value, name)}"' for opening, value, name in written]
    )


def _blocks(addresses: Addresses, entity: Entity, data_sets: Sequence[Code]) -> Iterator[str]:
    facts = FACTS[entity.kind]
    if facts.has_properties and entity.properties:
        yield _properties(entity.properties)
    if entity.kind is Kind.DATA_SET:
        yield content_writer.data_set_content(addresses, entity)
    if facts.relations and (data_sets or entity.connections):
        yield _connections(entity.connections, data_sets)
    if facts.has_attachments and entity.attachments:
        yield content_writer.attachments(addresses, entity)


def _properties(properties: Mapping[str, str]) -> str:
    """One look at all the values together: most entities need no escaping at all."""
    if not is_plain_text("".join(properties.values())):
        properties = {
            code: escaped_text(value, f"property {code}") for code, value in properties.items()
        }
    openings = _PROPERTY_OPENINGS
    parts = [
        f"{openings[code]}{value}</x:value></x:property>"
        if value
        else f"{openings[code][:-1]}/></x:property>"
        for code, value in properties.items()
    ]
    return f"<x:properties>{''.join(parts)}</x:properties>"


def _connections(connections: tuple[Connection, ...], data_sets: Sequence[Code]) -> str:
    """Data sets, then children, then components, each in the order given."""
    parts = [_connection(code, DATA_SET_CONNECTION) for code in data_sets]
    for relation in _RELATIONS:
        parts += [_connection(c.to, relation) for c in connections if c.relation is relation]
    return f"<x:connections>{''.join(parts)}</x:connections>"


def _connection(to: str, relation: str) -> str:
    return f'<x:connection to="{escaped_attribute(to, "a connection")}" type="{relation}"/>'
