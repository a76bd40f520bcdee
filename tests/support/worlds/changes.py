"""All that may happen on a source that changes: each function does one such thing, if it can."""

from __future__ import annotations

from dataclasses import replace

from shared.model.entities import ContentCopy
from shared.model.ids import Code
from shared.model.kinds import FACTS, NOT_FROZEN, DataSetKind, Frozen, Kind
from shared.model.master_data import EntityType, Vocabulary
from tests.support.instances.builders import a_property_type, a_term, an_assignment
from tests.support.worlds.changing_world import Change, ChangingWorld
from tests.support.worlds.moves_and_deletions import (
    TEXTS,
    an_owner,
    delete_experiment,
    delete_material,
    delete_one,
    delete_project,
    delete_space,
    gain_a_role,
    lose_a_role,
    move_data_set,
    move_experiment,
    move_project,
    move_sample,
    named,
    restore,
    some_notes,
    succeed,
)
from tests.support.worlds.things import Thing

_SOLVENTS = ("WATER", "OIL")
# Spaces, so that the instance stays small.
_MOST_ROOMS = 4


def new_space(world: ChangingWorld) -> str | None:
    if len(world.all_of(Kind.SPACE)) >= _MOST_ROOMS:
        return None
    space = world.make(Kind.SPACE, description=world.random.choice(TEXTS) or None)
    if world.random.random() < 0.3:
        world.hidden.add(space)
    project = world.make(Kind.PROJECT, space)
    return f"{named(space)} with {named(project)}"


def new_project(world: ChangingWorld) -> str | None:
    space = world.one_of(world.changeable(Kind.SPACE))
    return named(world.make(Kind.PROJECT, space, description="cool")) if space else None


def new_experiment(world: ChangingWorld) -> str | None:
    project = world.one_of(world.changeable(Kind.PROJECT))
    return (
        named(world.make(Kind.EXPERIMENT, project, properties=some_notes(world)))
        if project
        else None
    )


def new_sample(world: ChangingWorld) -> str | None:
    homes = world.changeable(Kind.SPACE, Kind.PROJECT, Kind.EXPERIMENT, Kind.EXPERIMENT)
    home = world.random.choice([*homes, None])
    sample = world.make(Kind.SAMPLE, home, properties=some_notes(world))
    sample.properties["SOLVENT"] = world.random.choice(_SOLVENTS)
    if world.random.random() < 0.3:
        sample.friend = world.one_of(t for t in world.all_of(Kind.SAMPLE) if t is not sample)
        sample.flour = world.one_of(world.all_of(Kind.MATERIAL))
    return named(sample)


def new_plate(world: ChangingWorld) -> str | None:
    home = world.one_of(world.changeable(Kind.SPACE, Kind.PROJECT, Kind.EXPERIMENT))
    if home is None:
        return None
    plate = world.make(Kind.SAMPLE, home)
    for code in ("A01", "A02"):
        world.make(Kind.SAMPLE, code=code, container=plate)
    return f"{named(plate)} with two wells"


def new_data_set(world: ChangingWorld) -> str | None:
    owner = an_owner(world)
    if owner is None:
        return None
    names = world.random.sample(("original/a.txt", "original/b c.bin", "original/run/d+e%.txt"), 2)
    files = {name: world.some_bytes() for name in names[: world.random.randint(1, 2)]}
    return named(world.make(Kind.DATA_SET, owner, files=files, properties=some_notes(world)))


def new_content(world: ChangingWorld) -> str | None:
    """Data sets never change; another one takes its place, and is its child."""
    old = world.one_of(d for d in world.changeable(Kind.DATA_SET) if d.files)
    if old is None:
        return None
    files = {**old.files, "original/a.txt": world.some_bytes()}
    new = world.make(Kind.DATA_SET, old.home, files=files)
    old.children.append(new)
    world.touch(old)
    return f"{named(new)} from {named(old)}"


def new_container(world: ChangingWorld) -> str | None:
    part = world.one_of(d for d in world.changeable(Kind.DATA_SET) if d.files)
    if part is None:
        return None
    container = world.make(
        Kind.DATA_SET, part.home, data_set_kind=DataSetKind.CONTAINER, components=[part]
    )
    return f"{named(container)} around {named(part)}"


def new_link(world: ChangingWorld) -> str | None:
    owner = an_owner(world)
    if owner is None:
        return None
    copy = ContentCopy(external_dms=Code("GIT"), path="/a b", id=f"copy-{world.number()}")
    return named(world.make(Kind.DATA_SET, owner, data_set_kind=DataSetKind.LINK, copies=(copy,)))


def new_material(world: ChangingWorld) -> str | None:
    return named(world.make(Kind.MATERIAL, properties=some_notes(world)))


def edit(world: ChangingWorld) -> str | None:
    thing = world.one_of(
        world.changeable(Kind.EXPERIMENT, Kind.SAMPLE, Kind.DATA_SET, Kind.MATERIAL)
    )
    if thing is None:
        return None
    thing.properties = thing.properties | some_notes(world)
    world.touch(thing)
    return named(thing)


def describe(world: ChangingWorld) -> str | None:
    thing = world.one_of(world.changeable(Kind.SPACE, Kind.PROJECT))
    if thing is None:
        return None
    thing.description = f"{world.random.choice(TEXTS)} {world.number()}"
    world.touch(thing)
    return named(thing)


def paste_picture(world: ChangingWorld) -> str | None:
    """A text mentions a new file of the file service, or an old one that has another content."""
    thing = world.one_of(world.changeable(Kind.EXPERIMENT, Kind.SAMPLE))
    if thing is None:
        return None
    path = f"eln/picture {world.random.randint(1, 4)}.png"
    world.pictures[path] = world.some_bytes()
    thing.properties["NOTES"] = f'<img src="/openbis/openbis/file-service/{path}">'
    world.touch(thing)
    return f"{path} in {named(thing)}"


def attach(world: ChangingWorld) -> str | None:
    """A new attachment, or a new version of one."""
    thing = _holder(world)
    if thing is None:
        return None
    name = world.random.choice(("plan.txt", "taste & smell.txt"))
    thing.attachments.setdefault(name, []).append(world.some_bytes())
    thing.titles[name] = world.random.choice(TEXTS)
    world.touch(thing)
    return f"{name} to {named(thing)}"


def detach(world: ChangingWorld) -> str | None:
    thing = world.one_of(t for t in world.things.values() if t.attachments and not t.frozen)
    if thing is None:
        return None
    name = world.random.choice(sorted(thing.attachments))
    del thing.attachments[name]
    world.touch(thing)
    return f"{name} from {named(thing)}"


def relate(world: ChangingWorld) -> str | None:
    """A new child; older things are parents of newer ones, so that there is no circle."""
    kind = world.random.choice((Kind.SAMPLE, Kind.DATA_SET))
    parent, child = world.one_of(world.changeable(kind)), world.one_of(world.changeable(kind))
    if not parent or not child or parent.number >= child.number or child in parent.children:
        return None
    parent.children.append(child)
    world.touch(parent, child)
    return f"{named(child)} of {named(parent)}"


def unrelate(world: ChangingWorld) -> str | None:
    parent = world.one_of(t for t in world.things.values() if t.children and not t.frozen)
    if parent is None:
        return None
    child = parent.children.pop()
    world.touch(parent, child)
    return f"{named(child)} from {named(parent)}"


def define(world: ChangingWorld) -> str | None:
    """Another term, another property in use, or another label."""
    known, number = world.master_data, world.number()
    choice = world.random.choice(("term", "property", "label"))
    if choice == "term":
        terms = tuple(_with_term(v, number) for v in known.vocabularies)
        world.master_data = replace(known, vocabularies=terms)
    elif choice == "property":
        new = a_property_type(f"PROPERTY-{number}", registered=world.now())
        types = tuple(_with_property(t, new.code, number) for t in known.entity_types)
        world.master_data = replace(
            known, property_types=(*known.property_types, new), entity_types=types
        )
    else:
        first = next(p for p in known.property_types if not p.internal)
        others = tuple(p for p in known.property_types if p is not first)
        relabelled = replace(first, label=f"{first.code} {number}")
        world.master_data = replace(known, property_types=(relabelled, *others))
    return f"{choice} {number}"


def freeze(world: ChangingWorld) -> str | None:
    thing = world.one_of(world.changeable(Kind.EXPERIMENT, Kind.SAMPLE, Kind.DATA_SET))
    if thing is None:
        return None
    thing.frozen = Frozen.FROZEN | world.random.choice(FACTS[thing.kind].flags)
    return named(thing)


def thaw(world: ChangingWorld) -> str | None:
    """By hand, in the database: openBIS itself never does."""
    thing = world.one_of(t for t in world.things.values() if t.frozen)
    if thing is None:
        return None
    thing.frozen = NOT_FROZEN
    return named(thing)


# With how often each happens.
CHANGES: tuple[tuple[Change, int], ...] = (
    *((new_space, 2), (new_project, 2), (new_experiment, 4), (new_sample, 7), (new_plate, 2)),
    *((new_data_set, 9), (new_content, 4), (new_container, 2), (new_link, 1), (new_material, 2)),
    *((edit, 8), (describe, 2), (paste_picture, 4), (attach, 6), (detach, 3)),
    *((relate, 4), (unrelate, 2), (define, 2), (freeze, 2), (thaw, 3)),
    *((move_sample, 5), (move_experiment, 3), (move_project, 1), (move_data_set, 2)),
    *((delete_one, 8), (delete_experiment, 2), (delete_project, 1), (delete_space, 2)),
    *((delete_material, 3), (succeed, 4), (restore, 8), (lose_a_role, 3), (gain_a_role, 6)),
)


def _holder(world: ChangingWorld) -> Thing | None:
    return world.one_of(world.changeable(Kind.PROJECT, Kind.EXPERIMENT, Kind.SAMPLE))


def _with_term(vocabulary: Vocabulary, number: int) -> Vocabulary:
    if vocabulary.internal:
        return vocabulary
    return replace(vocabulary, terms=(*vocabulary.terms, a_term(f"TERM-{number}", number)))


def _with_property(one: EntityType, code: Code, number: int) -> EntityType:
    if one.kind is not Kind.SAMPLE:
        return one
    return replace(one, assignments=(*one.assignments, an_assignment(code, number)))
