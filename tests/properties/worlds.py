"""Small consistent instances, drawn from few names: so two of them differ by what a source does
between two runs, which is to make, change, move, rename and delete things, all at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta

from hypothesis import strategies as st

from shared.model.entities import Connection, Entity, ServiceFile
from shared.model.ids import Code, Identifier, PermId, identifier
from shared.model.kinds import FACTS, NOT_FROZEN, DataSetKind, Frozen, Kind, Relation
from tests.support.instances.builders import (
    MODIFIED,
    a_data_set,
    a_material,
    a_project,
    a_sample,
    a_service_file,
    a_space,
    an_experiment,
)
from tests.support.instances.instance import Instance

NOTES = ("", "a < b & c", "x\r\ny", 'see "openbis/file-service/a.txt"')
CODES = ("A", "B")


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """``contents`` are the bytes of the files of each data set, and of the attachments by name of
    each holder, version by version."""

    entities: tuple[Entity, ...]
    files: dict[str, dict[str, bytes]] = field(default_factory=dict)
    attachments: dict[str, dict[str, tuple[bytes, ...]]] = field(default_factory=dict)
    picture: ServiceFile = field(default_factory=lambda: a_service_file("a.txt"))


class _Drawing:
    """Draws one world, kind after kind."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw
        self._taken: set[tuple[Kind, Identifier]] = set()
        self.entities: list[Entity] = []

    def one_of(self, values: Iterable[object]) -> object:
        return self._draw(st.sampled_from(list(values)))

    def some(self, numbers: Iterable[int]) -> list[int]:
        return sorted(self._draw(st.sets(st.sampled_from(list(numbers)))))

    def place(self, entity: Entity) -> None:
        """Add it with random content, unless another one has its identifier."""
        key = (entity.kind, entity.identifier)
        if key not in self._taken:
            self._taken.add(key)
            self.entities.append(self._filled(entity))

    def _filled(self, entity: Entity) -> Entity:
        facts = FACTS[entity.kind]
        flags = self._draw(st.sets(st.sampled_from(facts.flags))) if facts.flags else set()
        return replace(
            entity,
            properties={"NOTES": self._draw(st.sampled_from(NOTES))}
            if facts.has_properties
            else {},
            registrator=self._draw(st.sampled_from(["mira", "otto"])),
            modified=MODIFIED + timedelta(seconds=self._draw(st.integers(0, 2))),
            frozen=Frozen(sum(flags)) if flags else NOT_FROZEN,
        )

    def of(self, kind: Kind) -> list[Entity]:
        return [entity for entity in self.entities if entity.kind is kind]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    drawing = _Drawing(draw)
    for code in sorted(draw(st.sets(st.sampled_from(CODES), min_size=1))):
        drawing.place(a_space(code))
    _add_places(drawing)
    _add_samples(drawing)
    _add_data_sets(drawing)
    if draw(st.booleans()):
        drawing.place(a_material())
    return _with_contents(draw, drawing.entities)


def _add_places(drawing: _Drawing) -> None:
    spaces = [space.code for space in drawing.of(Kind.SPACE)]
    for number in drawing.some((10, 11)):
        drawing.place(a_project(number, code=drawing.one_of(CODES), space=drawing.one_of(spaces)))
    for number in drawing.some((20, 21)) if drawing.of(Kind.PROJECT) else ():
        project = drawing.one_of(drawing.of(Kind.PROJECT))
        assert isinstance(project, Entity)
        drawing.place(
            an_experiment(
                number, code=drawing.one_of(CODES), space=project.space, project=project.code
            )
        )


def _add_samples(drawing: _Drawing) -> None:
    homes: list[Entity | None] = [None]
    homes += [e for e in drawing.entities if e.kind in {Kind.SPACE, Kind.PROJECT, Kind.EXPERIMENT}]
    for number in drawing.some((30, 31, 32, 33)):
        home = drawing.one_of(homes)
        code = drawing.one_of(("A", "B", "C"))
        drawing.place(a_sample(number, code=code, **_place_in(home)))
    _relate(drawing, Kind.SAMPLE)


def _place_in(home: object) -> dict[str, str | None]:
    match home:
        case Entity(kind=Kind.SPACE):
            return {"space": home.code}
        case Entity(kind=Kind.PROJECT):
            return {"space": home.space, "project": home.code}
        case Entity(kind=Kind.EXPERIMENT):
            place = {"space": home.space, "project": home.project}
            return {**place, "experiment": home.identifier}
        case _:
            return {"space": None}


def _relate(drawing: _Drawing, kind: Kind) -> None:
    """Children in any direction but a circle; a component has one container, in its own place."""
    members = drawing.of(kind)
    contained: set[PermId] = set()
    for position, entity in enumerate(members):
        later = [e for e in members[position + 1 :] if e.perm_id not in contained]
        edges = []
        for other in later:
            relation = drawing.one_of((None, None, Relation.CHILD, Relation.COMPONENT))
            if relation is Relation.COMPONENT and not _may_contain(entity, other):
                relation = None
            if relation is Relation.COMPONENT:
                contained.add(other.perm_id)
            if isinstance(relation, Relation):
                edges.append(Connection(relation=relation, to=other.perm_id))
        edges.sort(key=lambda edge: list(Relation).index(edge.relation))
        index = drawing.entities.index(entity)
        drawing.entities[index] = replace(entity, connections=tuple(edges))


def _may_contain(entity: Entity, other: Entity) -> bool:
    if entity.kind is Kind.DATA_SET:
        return entity.data_set_kind is DataSetKind.CONTAINER
    return (entity.space, entity.project) == (other.space, other.project)


def _add_data_sets(drawing: _Drawing) -> None:
    owners = [e for e in drawing.entities if e.kind in {Kind.EXPERIMENT, Kind.SAMPLE}]
    for number in drawing.some((40, 41, 42)) if owners else ():
        owner = drawing.one_of(owners)
        assert isinstance(owner, Entity)
        where = {owner.kind.value.lower(): _full_identifier(owner, drawing.of(Kind.SAMPLE))}
        kind = drawing.one_of((DataSetKind.PHYSICAL, DataSetKind.CONTAINER))
        drawing.place(a_data_set(number, data_set_kind=kind, **where))
    _relate(drawing, Kind.DATA_SET)


def _full_identifier(entity: Entity, samples: list[Entity]) -> Identifier:
    """With its container, if it has one, as openBIS names the sample of a data set."""
    for container in samples:
        edges = container.connections
        if any(e.relation is Relation.COMPONENT and e.to == entity.perm_id for e in edges):
            code = Code(f"{container.code}:{entity.code}")
            return identifier(entity.space, entity.project, code)
    return entity.identifier


def _with_contents(draw: st.DrawFn, entities: list[Entity]) -> World:
    contents = st.sampled_from((b"", b"one", b"two", b"0123456789" * 100))
    files = st.dictionaries(st.sampled_from(("original/a", "original/b c")), contents)
    names = st.dictionaries(
        st.sampled_from(("a.txt", "b&.txt")),
        st.lists(contents, min_size=1, max_size=3).map(tuple),
    )
    holders = [e for e in entities if FACTS[e.kind].has_attachments]
    return World(
        entities=tuple(entities),
        files={e.perm_id: draw(files) for e in entities if e.data_set_kind is DataSetKind.PHYSICAL},
        attachments={e.perm_id: draw(names) for e in holders if draw(st.booleans())},
        picture=a_service_file("a.txt", draw(contents)),
    )


def become(instance: Instance, world: World) -> None:
    """Let an instance be as the world says, and nothing else."""
    for table in ("entity", "link", "data_set_file", "content_copy", "attachment"):
        instance.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
    instance.load(*(_put(instance, world, entity) for entity in world.entities), world.picture)


def _put(instance: Instance, world: World, entity: Entity) -> Entity:
    files = sorted(world.files.get(entity.perm_id, {}).items())
    attached = sorted(world.attachments.get(entity.perm_id, {}).items())
    return replace(
        entity,
        files=tuple(instance.put_file(entity.code, path, content) for path, content in files),
        attachments=tuple(instance.put_attachment(name, *versions) for name, versions in attached),
    )
