"""What moves on a source that changes, goes, comes back, or is not to be seen any more."""

from __future__ import annotations

from shared.model.kinds import Kind
from tests.support.worlds.changing_world import ChangingWorld
from tests.support.worlds.things import Thing

TEXTS = ("", "a < b & c", "line 1\r\nline 2 \t ", 'quoted "text"', "ü π 𝛑", "plain")


def named(thing: Thing) -> str:
    """How it is called when it is told."""
    return f"{thing.kind} {thing.perm_id} {thing.identifier}"


def some_notes(world: ChangingWorld) -> dict[str, str]:
    """A property with another text than before."""
    return {"NOTES": f"{world.random.choice(TEXTS)}{world.number()}"}


def an_owner(world: ChangingWorld) -> Thing | None:
    """Where a data set may lie."""
    samples = (t for t in world.changeable(Kind.SAMPLE) if t.at(Kind.SPACE))
    return world.one_of([*world.changeable(Kind.EXPERIMENT), *samples])


def move_sample(world: ChangingWorld) -> str | None:
    sample = world.one_of(t for t in world.changeable(Kind.SAMPLE) if not t.container)
    homes: list[Thing | None] = [*world.changeable(Kind.SPACE, Kind.PROJECT, Kind.EXPERIMENT)]
    if sample is None:
        return None
    if not any(t.within(sample) for t in world.all_of(Kind.DATA_SET)):
        homes.append(None)  # data sets must lie in a space
    return _moved(world, sample, world.random.choice(homes) if homes else sample.home)


def move_experiment(world: ChangingWorld) -> str | None:
    experiment = world.one_of(world.changeable(Kind.EXPERIMENT))
    project = world.one_of(world.changeable(Kind.PROJECT))
    return _moved(world, experiment, project) if experiment and project else None


def move_project(world: ChangingWorld) -> str | None:
    project = world.one_of(world.changeable(Kind.PROJECT))
    space = world.one_of(world.changeable(Kind.SPACE))
    return _moved(world, project, space) if project and space else None


def move_data_set(world: ChangingWorld) -> str | None:
    data_set, owner = world.one_of(world.changeable(Kind.DATA_SET)), an_owner(world)
    return _moved(world, data_set, owner) if data_set and owner else None


def delete_one(world: ChangingWorld) -> str | None:
    thing = world.one_of(world.changeable(Kind.SAMPLE, Kind.DATA_SET, Kind.DATA_SET))
    return _deleted(world, thing) if thing else None


def delete_experiment(world: ChangingWorld) -> str | None:
    experiment = world.one_of(world.changeable(Kind.EXPERIMENT))
    return _deleted(world, experiment) if experiment else None


def delete_project(world: ChangingWorld) -> str | None:
    project = world.one_of(world.changeable(Kind.PROJECT))
    return _deleted(world, project) if project else None


def delete_space(world: ChangingWorld) -> str | None:
    spaces = [t for t in world.changeable(Kind.SPACE) if t not in world.hidden]
    space = world.one_of(spaces if len(spaces) > 1 else ())
    return _deleted(world, space) if space else None


def delete_material(world: ChangingWorld) -> str | None:
    trashed = [thing for batch in world.trash for thing in batch]
    used = {thing.flour for thing in (*world.things.values(), *trashed)}
    material = world.one_of(t for t in world.all_of(Kind.MATERIAL) if t not in used)
    return _deleted(world, material) if material else None


def succeed(world: ChangingWorld) -> str | None:
    """Something is deleted or moved away, and another takes its code in its place."""
    old = world.one_of(t for t in world.changeable(Kind.EXPERIMENT, Kind.SAMPLE) if t.home)
    if old is None:
        return None
    home, code = old.home, old.code
    others = world.changeable(Kind.SPACE, Kind.PROJECT, Kind.EXPERIMENT)
    away = world.one_of(t for t in others if home and t.kind is home.kind and not t.within(old))
    if away and world.random.random() < 0.5:
        told = _moved(world, old, away)
    else:
        told = _deleted(world, old)
    if told is None or home is None or home.key not in world.things:
        return None
    new = world.make(old.kind, home, code=code, properties=some_notes(world))
    return f"{named(new)} after {told}"


def restore(world: ChangingWorld) -> str | None:
    batch = world.random.choice(world.trash) if world.trash else []
    return f"{len(batch)} with {named(batch[0])}" if batch and world.dig_up(batch) else None


def lose_a_role(world: ChangingWorld) -> str | None:
    seen = [space for space in world.all_of(Kind.SPACE) if space not in world.hidden]
    if len(seen) < 2:
        return None
    space = world.random.choice(seen)
    world.hidden.add(space)
    project = world.one_of(t for t in world.all_of(Kind.PROJECT) if t.home is space)
    if project is None or world.random.random() < 0.5:
        return named(space)
    world.shared_out.add(project)
    return f"{named(space)} but for {named(project)}"


def gain_a_role(world: ChangingWorld) -> str | None:
    space = world.one_of(sorted(world.hidden, key=lambda space: space.number))
    if space is None:
        return None
    world.hidden.remove(space)
    world.shared_out -= {project for project in world.shared_out if project.home is space}
    return named(space)


def _moved(world: ChangingWorld, thing: Thing, home: Thing | None) -> str | None:
    before = thing.identifier
    return f"{before} to {named(thing)}" if world.move(thing, home) else None


def _deleted(world: ChangingWorld, thing: Thing) -> str | None:
    gone = world.bury(thing)
    return f"{len(gone)} with {named(thing)}" if gone else None
