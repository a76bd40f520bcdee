"""The things of a source that changes: they refer to each other as objects, so that whatever moves
takes along all that lies in it, and `shown` says how a resource list names them then."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from shared.model.entities import (
    Attachment,
    AttachmentVersion,
    Connection,
    ContentCopy,
    Entity,
)
from shared.model.ids import Code, Identifier, PermId, identifier
from shared.model.kinds import FACTS, NOT_FROZEN, DataSetKind, Frozen, Kind, Relation
from tests.support.instances.instance import a_file

Key = tuple[Kind, str]


@dataclass(slots=True, kw_only=True, eq=False)
class Thing:
    """An entity of the source, alive or in its trash.

    ``home`` is what it lies in: the space of a project, the project of an experiment, any of these
    for a sample (None: shared), the experiment or sample of a data set. A sample with a
    ``container`` lies where that lies.
    """

    number: int
    kind: Kind
    code: Code
    perm_id: PermId
    registered: datetime
    modified: datetime
    registrator: str
    modifier: str | None = None
    type: Code | None = None
    home: Thing | None = None
    container: Thing | None = None
    children: list[Thing] = field(default_factory=list)
    # Of a container data set.
    components: list[Thing] = field(default_factory=list)
    description: str | None = None
    properties: dict[str, str] = field(default_factory=dict)
    # A sample that a property names.
    friend: Thing | None = None
    # A material that a property names.
    flour: Thing | None = None
    frozen: Frozen = NOT_FROZEN
    # Versions by file name.
    attachments: dict[str, list[bytes]] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    data_set_kind: DataSetKind | None = None
    files: dict[str, bytes] = field(default_factory=dict)
    copies: tuple[ContentCopy, ...] = ()

    @property
    def key(self) -> Key:
        return self.kind, self.perm_id

    @property
    def places(self) -> Iterator[Thing]:
        """What it lies in, from the inside out."""
        place = self.container or self.home
        while place:
            yield place
            place = place.container or place.home

    def within(self, other: Thing) -> bool:
        return other is self or any(place is other for place in self.places)

    def at(self, kind: Kind) -> Thing | None:
        """The nearest thing of a kind that it lies in; it itself if it is of that kind."""
        return next((thing for thing in (self, *self.places) if thing.kind is kind), None)

    @property
    def identifier(self) -> Identifier:
        """As openBIS names it, a sample with its container."""
        if self.kind is Kind.DATA_SET or self.kind is Kind.MATERIAL:
            return Identifier(self.perm_id)
        home = self.container.home if self.container else self.home
        space = home.at(Kind.SPACE) if home else None
        project = home.at(Kind.PROJECT) if home else None
        own = f"{self.container.code}:{self.code}" if self.container else self.code
        return identifier(*(place.code for place in (space, project) if place), own)


def shown(thing: Thing, seen: Callable[[Thing], bool], wells: list[Thing]) -> Entity:
    """As a list shows it to somebody who sees only some things; ``wells`` are its components."""
    facts = FACTS[thing.kind]
    experiment, sample = _above(thing, Kind.EXPERIMENT), _above(thing, Kind.SAMPLE)
    has = facts.attributes
    entity = Entity(
        kind=thing.kind,
        perm_id=thing.perm_id,
        code=thing.code,
        registered=thing.registered,
        modified=thing.modified,
        registrator=thing.registrator,
        modifier=thing.modifier if "modifier" in has else None,
        type=thing.type,
        space=_code(thing, Kind.SPACE) if "space" in has else None,
        project=_code(thing, Kind.PROJECT) if "project" in has else None,
        experiment=experiment.identifier if experiment and "experiment" in has else None,
        sample=sample.identifier if sample and "sample" in has else None,
        description=thing.description,
        frozen=thing.frozen,
        properties=_properties(thing, seen) if facts.has_properties else {},
    )
    return replace(
        entity,
        connections=_connections(thing, seen, wells),
        attachments=tuple(_attachment(thing, name) for name in sorted(thing.attachments)),
        data_set_kind=thing.data_set_kind,
        files=tuple(a_file(path, content) for path, content in sorted(thing.files.items())),
        content_copies=thing.copies,
    )


def _above(thing: Thing, kind: Kind) -> Thing | None:
    home = thing.container.home if thing.container else thing.home
    return home.at(kind) if home else None


def _code(thing: Thing, kind: Kind) -> Code | None:
    place = _above(thing, kind)
    return place.code if place else None


def _properties(thing: Thing, seen: Callable[[Thing], bool]) -> dict[str, str]:
    named = dict(thing.properties)
    if thing.friend and seen(thing.friend):
        named["FRIEND"] = thing.friend.perm_id
    if thing.flour:
        named["FLOUR"] = f"{thing.flour.code} ({thing.flour.type})"
    return named


def _connections(
    thing: Thing, seen: Callable[[Thing], bool], wells: list[Thing]
) -> tuple[Connection, ...]:
    related = ((Relation.CHILD, thing.children), (Relation.COMPONENT, [*thing.components, *wells]))
    return tuple(
        Connection(relation=relation, to=other.perm_id)
        for relation, others in related
        for other in sorted(others, key=lambda other: other.perm_id)
        if seen(other)
    )


def _attachment(thing: Thing, name: str) -> Attachment:
    versions = tuple(
        AttachmentVersion(
            version=number,
            title=thing.titles.get(name) or None,
            registrator=thing.registrator,
            registered=thing.registered,
            length=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
        )
        for number, content in enumerate(thing.attachments[name], start=1)
    )
    return Attachment(file_name=name, versions=versions)
