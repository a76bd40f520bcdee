"""A source that changes from one day to the next so that each step of a harvest has work to do.

It has everything of the full instance, and some thirty data sets of several files. A destination
that has harvested it until the evening (`until_the_evening`) has things in its trash that are too
old, and a data set that failed; the next day brings new things, changes, deletions, and a large
file.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from random import Random

from shared.model.entities import Entity, FileNode
from shared.model.kinds import NOT_FROZEN, Frozen
from shared.model.master_data import MasterData
from tests.support.instances.builders import (
    MODIFIED,
    a_data_set,
    a_material,
    a_project,
    a_property_type,
    a_sample,
    a_service_file,
    a_space,
    a_term,
    a_vocabulary,
    perm_id,
)
from tests.support.instances.full_instance import (
    TRIAL,
    FullInstance,
    a_full_instance,
    full_master_data,
)
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import Instance
from tests.support.worlds.passing_days import a_day_passes

# Bytes of the large file; from 1 MiB on its beginning is kept.
LARGE = 3 << 20
_OLD, _GONE, _CHANGED, _SAME, _NEW = (
    range(100, 102),
    range(102, 107),
    range(107, 113),
    range(113, 130),
    range(140, 145),
)
BROKEN, BIG = 130, 146
_LATER = MODIFIED + timedelta(days=1)
REPLACED = perm_id(_CHANGED[0])
LARGE_CODE = perm_id(BIG)
LARGE_PATH = f"/datastore_server/{LARGE_CODE}"
# Of the section that harvests it.
KEYS = {
    "deletion_allowed": "true",
    "trash_retention_days": "1",
    "max_deletions": "1000",
    "master_data_update_allowed": "true",
    "max_threads": "3",
    "retry_pauses": "10 ms, 10 ms",
}


@dataclass(slots=True)
class TwoDays:
    """The source, day by day."""

    instance: Instance
    full_instance: FullInstance

    @classmethod
    def begin(cls, root: Path) -> TwoDays:
        instance = Instance.create(root)
        days = cls(instance, a_full_instance(instance))
        mention = {"NOTES": '"openbis/file-service/old.txt"'}
        old = instance.put_attachment("old.txt", b"old", b"older")
        instance.load(
            a_sample(60, properties=mention, attachments=(old,)),
            a_sample(61, properties={"NOTES": '"openbis/file-service/second.txt"'}),
            a_service_file("old.txt", b"an old one"),
            a_service_file("second.txt", b"one for the second day"),
            *(days._data_set(n) for n in (*_OLD, *_GONE, *_CHANGED, *_SAME, BROKEN)),
        )
        days._broken_file.unlink()
        return days

    def _data_set(self, number: int, text: str = "", **fields: object) -> Entity:
        """Three small files, and a fourth one with the text; none is ever replaced."""
        put, code = self.instance.put_file, perm_id(number)
        files = (
            put(code, "original/a.txt", f"a of {number}".encode() * 20),
            put(code, "original/run/b.txt", f"b of {number}".encode() * 50),
            put(code, "original/run/c & d.txt", b""),
            *([put(code, "original/run/e.txt", text.encode())] if text else []),
        )
        return a_data_set(number, experiment=TRIAL, files=files, **fields)

    @property
    def _broken_file(self) -> Path:
        return self.instance.store.data_set_file(perm_id(BROKEN), "original/a.txt")

    def at_noon(self) -> None:
        """Some things go, into the trash of those who harvest it today."""
        old = [self._row(number) for number in _OLD]
        self.instance.delete(*old, a_sample(60))
        self.instance.execute("DELETE FROM service_file WHERE path = 'old.txt'")

    def next_day(self) -> None:
        """Work for each step."""
        source, full_instance = self.instance, self.full_instance
        gone = [self._row(number) for number in _GONE]
        source.delete(*gone, full_instance.container, full_instance.child, a_sample(61))
        source.execute("DELETE FROM service_file WHERE path = 'second.txt'")
        source.drop_attachments(full_instance.project)
        plan = source.put_attachment("plan.txt", b"first plan", b"another plan", b"third plan")
        note = source.put_attachment("note.txt", b"a note")
        text = '"openbis/file-service/new.txt" is new'
        content = Random(BIG).randbytes(LARGE)  # noqa: S311 - to be repeated
        source.load(
            _next_master_data(),
            a_space("GAMMA", frozen=Frozen.FROZEN),
            a_project(13, code="GARDEN", space=a_space("GAMMA").code, registrator="newcomer"),
            replace(full_instance.cellar, frozen=Frozen.FROZEN),
            replace(full_instance.plates[0], modified=_LATER, modifier="somebody"),
            replace(full_instance.brew, attachments=(plan,), properties={"NOTES": text}),
            a_sample(62, registrator="newcomer", attachments=(plan, note)),
            a_material(8, properties={"NOTES": "new"}),
            a_service_file(full_instance.picture.path, b"another picture"),
            a_service_file("new.txt", b"new"),
            replace(full_instance.raw, files=self._other_raw_files(), frozen=NOT_FROZEN),
            *(self._data_set(number, "changed") for number in _CHANGED),
            *(self._data_set(number, registrator="newcomer") for number in _NEW),
            self._data_set(BROKEN),
            a_data_set(
                BIG, experiment=TRIAL, files=(source.put_file(LARGE_CODE, "original/l", content),)
            ),
        )

    def _other_raw_files(self) -> tuple[FileNode, ...]:
        raw = self.full_instance.raw
        more = self.instance.put_file(raw.code, "original/more.txt", b"other digits")
        return (*raw.files, more)

    def _row(self, number: int) -> Entity:
        """Enough of it to be deleted."""
        return a_data_set(number)


def _next_master_data() -> MasterData:
    plain = full_master_data()
    solvent = a_vocabulary(
        "SOLVENT", a_term("WATER", label="Tap water"), a_term("OIL", 2), a_term("ETHER", 3)
    )
    others = tuple(v for v in plain.vocabularies if v.code != solvent.code)
    return replace(
        plain,
        vocabularies=(solvent, *others),
        property_types=(*plain.property_types, a_property_type("COLOUR")),
    )


def until_the_evening(days: TwoDays, harvest: Harvest, url: str) -> None:
    """Harvest the first day, and let so much time pass that its trash may go."""
    harvest.section("DS1", url, **KEYS)
    harvest.add_properties("interval = 1 s")
    harvest.init()
    assert harvest.run().code == 7  # the broken one
    days.at_noon()
    assert harvest.run().code == 7
    a_day_passes(harvest)
    a_day_passes(harvest)
    harvest.instance.engine.dispose()
