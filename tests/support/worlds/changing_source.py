"""A source that changes from day to day as a real one does, drawn from a seed.

What happens in a day is invented by `tests.support.worlds.changes`, on a world that keeps openBIS's
rules; here it is written into an embedded instance, which a real source server publishes.
"""

from __future__ import annotations

from random import Random

from shared.model.entities import Entity, ServiceFile
from shared.model.ids import Code
from shared.model.kinds import DataSetKind, Kind
from shared.store.engine import work
from shared.store.tables import LOCAL
from shared.store.users import Role, add_persons, grant, revoke, set_password
from source_server.publication.service_files import mentions_in, texts_of
from tests.support.instances.builders import a_service_file
from tests.support.instances.instance import USER, Instance, hashed
from tests.support.worlds.changes import (
    CHANGES,
    new_data_set,
    new_experiment,
    new_plate,
    new_sample,
)
from tests.support.worlds.changing_world import Change, ChangingWorld
from tests.support.worlds.things import Key, Thing, shown

# Of all days, on so many nothing happens.
_QUIET = 0.15
# Deletions; then the oldest is emptied out of the source's trash.
_TRASH_LASTS = 12


class ChangingSource:
    """``busy``: how many changes a day has at most. What happened so far is in ``story``."""

    def __init__(self, instance: Instance, seed: int, *, busy: int = 12) -> None:
        self.instance = instance
        self.story: list[str] = []
        self._busy = busy
        self._world = ChangingWorld(Random(seed))  # noqa: S311 - to be repeated
        self._written: dict[Key, Entity] = {}
        self._pictures: dict[str, bytes] = {}
        self._master_data: object = None
        self._roles: set[str] = set()

    def begin(self) -> None:
        """A small instance with some of everything."""
        with self.instance.engine.begin() as connection:
            add_persons(connection, LOCAL, [USER])
            set_password(connection, USER, hashed())
        world = self._world
        for code in ("ALPHA", "BETA", "GAMMA"):
            space = world.make(Kind.SPACE, code=code)
            for _ in range(2):
                world.make(Kind.PROJECT, space)
        for change, often in ((new_experiment, 4), (new_sample, 8), (new_plate, 1)):
            for _ in range(often):
                change(world)
        for _ in range(8):
            new_data_set(world)
        self._write()

    def live_a_day(self, *surely: Change) -> None:
        """Let these things happen and others, or no others on a quiet day."""
        world = self._world
        world.day += 1
        self.story.append(f"day {world.day}")
        changes, weights = zip(*CHANGES, strict=True)
        quiet = world.random.random() < _QUIET
        number = 0 if quiet else world.random.randint(1, self._busy)
        for change in (*surely, *world.random.choices(changes, weights, k=number)):
            if told := change(world):
                self.story.append(f"  {change.__name__}: {told}")
        del world.trash[:-_TRASH_LASTS]
        self._write()

    def visible(self) -> dict[Key, Entity]:
        """All that the harvesting user sees."""
        world = self._world
        return {key: self._shown(t) for key, t in world.things.items() if world.seen(t)}

    def visible_files(self) -> dict[str, bytes]:
        """The files that go with it, named as by `Instance.bytes_held`."""
        found: dict[str, bytes] = {}
        for key, entity in self.visible().items():
            thing = self._world.things[key]
            found |= {f"{entity.code}/{path}": content for path, content in thing.files.items()}
            for attachment in entity.attachments:
                for version, content in zip(
                    attachment.versions, thing.attachments[attachment.file_name], strict=True
                ):
                    place = self.instance.store.attachment(str(version.sha256))
                    root = self.instance.store.root / "attachments"
                    found[f"attachments/{place.relative_to(root)}"] = content
            for path in mentions_in(texts_of(entity)):
                found[f"file-service/{path}"] = self._world.pictures[path]
        return found

    def _shown(self, thing: Thing) -> Entity:
        return shown(thing, self._world.seen, self._world.wells_of(thing))

    def _write(self) -> None:
        """Bring the instance to what the world is like."""
        world = self._world

        def is_there(thing: Thing) -> bool:
            return world.things.get(thing.key) is thing

        now = {k: shown(t, is_there, world.wells_of(t)) for k, t in world.things.items()}
        gone = [entity for key, entity in self._written.items() if key not in now]
        new = {key: entity for key, entity in now.items() if self._written.get(key) != entity}
        self.instance.delete(*gone)
        for key, entity in new.items():
            self._put_files(entity, world.things[key])
        if world.master_data is not self._master_data:
            self.instance.load(world.master_data)
            self._master_data = world.master_data
        if new:  # all of it, since the store completes some values from others, as in a list
            self.instance.load(*now.values(), *self._new_pictures())
        self._written = now
        self._give_roles()

    def _put_files(self, entity: Entity, thing: Thing) -> None:
        self.instance.drop_attachments(entity)
        for name, versions in thing.attachments.items():
            self.instance.put_attachment(name, *versions)
        if thing.data_set_kind is DataSetKind.PHYSICAL and thing.key not in self._written:
            for path, content in thing.files.items():
                self.instance.put_file(Code(entity.code), path, content)

    def _new_pictures(self) -> list[ServiceFile]:
        new = {p: c for p, c in self._world.pictures.items() if self._pictures.get(p) != c}
        self._pictures |= new
        return [a_service_file(path, content) for path, content in new.items()]

    def _give_roles(self) -> None:
        wanted = self._world.roles()
        with (
            self.instance.engine.connect() as connection,
            work(connection) as transaction,
            transaction(),
        ):
            for place in wanted - self._roles:
                grant(connection, USER, Role.OBSERVER, place)
            for place in self._roles - wanted:
                revoke(connection, USER, Role.OBSERVER, place)
        self._roles = wanted
