"""What a source that changes consists of, and the rules that openBIS has for changing it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta
from random import Random

from shared.model.ids import Code, PermId, material_perm_id
from shared.model.kinds import FACTS, DataSetKind, Kind
from shared.model.master_data import MasterData
from tests.support.instances.builders import REGISTERED
from tests.support.instances.full_instance import full_master_data
from tests.support.worlds.things import Key, Thing

_PERSONS = ("mira", "otto", "vera")
_IDENTIFIED = (Kind.PROJECT, Kind.EXPERIMENT, Kind.SAMPLE)


class ChangingWorld:
    """Everything that is there, was thrown away or may be seen; all of it drawn from one seed."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.day = 0
        self.things: dict[Key, Thing] = {}
        # What was deleted together, and can come back together.
        self.trash: list[list[Thing]] = []
        # The file service: contents by path, as long as a text mentions them.
        self.pictures: dict[str, bytes] = {}
        self.master_data: MasterData = full_master_data()
        # Spaces in which the harvesting user has no role.
        self.hidden: set[Thing] = set()
        # Projects in which that user has a role of its own.
        self.shared_out: set[Thing] = set()
        self._count = 0
        self._moment = REGISTERED

    # names and times

    def number(self) -> int:
        self._count += 1
        return self._count

    def now(self) -> datetime:
        """A second later than before; at least as late as this day began."""
        today = REGISTERED + timedelta(days=self.day)
        self._moment = max(self._moment, today) + timedelta(seconds=1)
        return self._moment

    def a_perm_id(self) -> PermId:
        return PermId(f"{self.now():%Y%m%d%H%M%S}{self._count % 1000:03d}-{self.number()}")

    def some_bytes(self) -> bytes:
        """Mostly short; now and then the same as others have."""
        drawn = self.random.random()
        if drawn < 0.15:
            return self.random.choice((b"", b"the same everywhere", b"0123456789" * 400))
        return self.random.randbytes(120_000 if drawn > 0.97 else self.random.randint(1, 3_000))

    # what there is

    def all_of(self, *kinds: Kind) -> list[Thing]:
        return [thing for thing in self.things.values() if thing.kind in kinds]

    def one_of(self, things: Iterable[Thing]) -> Thing | None:
        found = list(things)
        return self.random.choice(found) if found else None

    def changeable(self, *kinds: Kind) -> list[Thing]:
        """Those that are not frozen."""
        return [thing for thing in self.all_of(*kinds) if not thing.frozen]

    def wells_of(self, thing: Thing) -> list[Thing]:
        return [other for other in self.all_of(Kind.SAMPLE) if other.container is thing]

    def inside(self, roots: Collection[Thing]) -> list[Thing]:
        """All that goes with these: what lies in them, and what only they contain."""
        found = [t for t in self.things.values() if any(t.within(root) for root in roots)]
        containers = {thing for thing in found if thing.components}
        contained = [part for one in containers for part in one.components]
        others = [t for t in self.things.values() if t.components and t not in containers]
        only_here = [c for c in contained if not any(c in other.components for other in others)]
        return found + [c for c in only_here if c.key in self.things and c not in found]

    def is_consistent(self) -> bool:
        """No identifier is given twice."""
        names = [(thing.kind, thing.identifier) for thing in self.all_of(*_IDENTIFIED)]
        return len(names) == len(set(names))

    # what happens

    def make(
        self, kind: Kind, home: Thing | None = None, *, code: str | None = None, **fields: object
    ) -> Thing:
        number, now = self.number(), self.now()
        name = Code(code or f"{kind.value[:3]}-{number}")
        type_code = Code(f"A_{kind.value}_TYPE") if FACTS[kind].has_type else None
        perm_id = self.a_perm_id()
        if kind is Kind.MATERIAL:
            perm_id = material_perm_id(name, str(type_code))
        elif FACTS[kind].perm_id_is_code:
            perm_id, name = (PermId(name), name) if kind is Kind.SPACE else (perm_id, Code(perm_id))
        thing = Thing(
            number=number,
            kind=kind,
            code=name,
            perm_id=perm_id,
            registered=now,
            modified=now,
            registrator=self.random.choice(_PERSONS),
            type=type_code,
            home=home,
        )
        for field, value in fields.items():
            setattr(thing, field, value)
        if kind is Kind.DATA_SET and thing.data_set_kind is None:
            thing.data_set_kind = DataSetKind.PHYSICAL
        self.things[thing.key] = thing
        return thing

    def touch(self, *things: Thing) -> None:
        """They were modified by somebody."""
        for thing in things:
            thing.modified, thing.modifier = self.now(), self.random.choice(_PERSONS)

    def bury(self, *roots: Thing) -> list[Thing]:
        """Delete these with all that goes with them; nothing if something there is frozen.

        Experiments, samples and data sets go to the trash; projects and spaces go for good, with
        what of theirs was in the trash.
        """
        gone = self.inside(roots)
        if any(thing.frozen for thing in (*gone, *(p for root in roots for p in root.places))):
            return []
        for thing in gone:
            del self.things[thing.key]
        if all(thing.kind not in {Kind.SPACE, Kind.PROJECT} for thing in gone):
            self.trash.append(gone)
        self.hidden.difference_update(gone)
        self.shared_out.difference_update(gone)
        return gone

    def dig_up(self, batch: list[Thing]) -> bool:
        """Take out of the trash what was deleted together, if its place is still there and free."""
        places = {place for thing in batch for place in thing.places} - set(batch)
        taken = any(thing.key in self.things for thing in batch)
        if taken or any(self.things.get(place.key) is not place for place in places):
            return False
        before = dict(self.things)
        self.things.update((thing.key, thing) for thing in batch)
        if not self.is_consistent():
            self.things = before
            return False
        self.trash.remove(batch)
        return True

    def move(self, thing: Thing, home: Thing | None) -> bool:
        """Put it elsewhere, if its identifier is free there."""
        before = thing.home
        if home is before or (home is not None and home.frozen):
            return False
        thing.home = home
        if not self.is_consistent():
            thing.home = before
            return False
        self.touch(thing)
        return True

    # who sees what

    def seen(self, thing: Thing) -> bool:
        """Whether the harvesting user sees it; things of no space are shown to everybody."""
        if thing.key not in self.things or self.things[thing.key] is not thing:
            return False
        space = thing.at(Kind.SPACE)
        if space is None or space not in self.hidden:
            return True
        if thing is space:
            return any(project.home is space for project in self.shared_out)
        return any(thing.within(project) for project in self.shared_out)

    def roles(self) -> set[str]:
        """The places in which the harvesting user has a role."""
        spaces = {f"/{space.code}" for space in self.all_of(Kind.SPACE) if space not in self.hidden}
        return spaces | {str(project.identifier) for project in self.shared_out}


# Something that happens on the source; what to tell of it, None if it was not possible.
Change = Callable[[ChangingWorld], str | None]
