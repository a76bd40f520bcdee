"""The entities of the demo: every kind, nested containers, frozen ones, links of each sort."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from shared.model.entities import (
    Attachment,
    Connection,
    ContentCopy,
    Entity,
    FileNode,
    ServiceFile,
)
from shared.model.ids import Code, Identifier, PermId, material_perm_id
from shared.model.kinds import DataSetKind, Frozen, Kind, Relation
from shared.store.files import DataStore
from shared.store.load import Loadable
from source_server.demo.files import (
    noise,
    picture,
    put_afs_data,
    put_attachment,
    put_data_set,
)
from source_server.demo.master_data import DEMO_MASTER_DATA, PICTURE
from source_server.demo.moments import on_day

_NOTE_PICTURE = (
    "eln/9e/02/c4/9e02c4aa-7d25-4f0e-b1c6-3f1f0a8d7e55/0b9d6a7e-2f41-4c57-8a1e-5d7c3b2a1f08.png"
)
_TRIAL = Identifier("/GARDEN/ALPINUM/TRIAL-2026")
_FROZEN_SAMPLE = (
    Frozen.FROZEN
    | Frozen.FOR_CHILDREN
    | Frozen.FOR_PARENTS
    | Frozen.FOR_COMPONENTS
    | Frozen.FOR_DATA_SETS
)


def perm_id(number: int) -> PermId:
    """Perm ids of the form that openBIS makes."""
    return PermId(f"20260301093000{number:03d}-{number}")


def _entity(kind: Kind, number: int, code: str, **fields: Any) -> Entity:
    values: dict[str, Any] = {
        "kind": kind,
        "perm_id": perm_id(number),
        "code": Code(code),
        "registered": on_day(number % 20 + 1),
        "modified": on_day(number % 20 + 2),
        "registrator": "flora",
        "modifier": "linnea",
    }
    return Entity(**(values | fields))


def _space(code: str, **fields: Any) -> Entity:
    when = on_day(1)
    values = {"perm_id": PermId(code), "registered": when, "modified": when, "modifier": None}
    return _entity(Kind.SPACE, 0, code, **(values | fields))


def _material(code: str, **fields: Any) -> Entity:
    identity = material_perm_id(code, "SUBSTRATE")
    values = {"perm_id": identity, "type": Code("SUBSTRATE"), "modifier": None}
    return _entity(Kind.MATERIAL, 0, code, **(values | fields))


def _data_set(number: int, kind: DataSetKind, type_code: str, **fields: Any) -> Entity:
    values = {"data_set_kind": kind, "type": Code(type_code), "code": Code(perm_id(number))}
    return _entity(Kind.DATA_SET, number, **(values | fields))


def _child(*numbers: int) -> tuple[Connection, ...]:
    return tuple(Connection(relation=Relation.CHILD, to=perm_id(n)) for n in numbers)


def _component(*numbers: int) -> tuple[Connection, ...]:
    return tuple(Connection(relation=Relation.COMPONENT, to=perm_id(n)) for n in numbers)


def demo_values(store: DataStore) -> Iterator[Loadable]:
    """All values of the demo; their files are written to the store meanwhile."""
    yield DEMO_MASTER_DATA
    yield from _places(store)
    yield from _plants(store)
    yield from _trays()
    yield from _data_sets(store)
    yield _service_file(PICTURE)
    yield _service_file(_NOTE_PICTURE)


def _places(store: DataStore) -> Iterator[Entity]:
    yield _material("PEAT", properties={"REFERENCE": "https://soil.example.org/?a=1&b=2"})
    yield _material("SAND")
    yield _space("GARDEN", description="the living collection")
    yield _space("SEED_BANK", frozen=Frozen.FROZEN | Frozen.FOR_PROJECTS)
    yield _entity(
        *(Kind.PROJECT, 1, "ALPINUM"),
        space=Code("GARDEN"),
        description="plants from above the tree line",
        attachments=(
            put_attachment(store, "bed plan.txt", "two beds", "three beds", "three beds, one pond"),
        ),
    )
    yield _entity(Kind.PROJECT, 2, "MEADOWS", space=Code("GARDEN"))
    yield _entity(Kind.PROJECT, 3, "VAULT", space=Code("SEED_BANK"))
    yield _entity(
        *(Kind.EXPERIMENT, 4, "TRIAL-2026"),
        space=Code("GARDEN"),
        project=Code("ALPINUM"),
        type=Code("GROWTH_TRIAL"),
        properties={
            "$NAME": "Growth above 2,000 m",
            "NOTES": "line one\nline two\t<tabbed> & done",
        },
        attachments=(put_attachment(store, "protocol & notes.txt", "water daily"),),
    )


def _plants(store: DataStore) -> Iterator[Entity]:
    picture_in_text = f'<p>seen: <img src="/openbis/openbis/file-service/{_NOTE_PICTURE}"></p>'
    yield _plant(
        10,
        "GENTIAN",
        properties=_all_properties(picture_in_text),
        connections=_child(11, 12),
        frozen=_FROZEN_SAMPLE,
        attachments=(put_attachment(store, "herbarium.txt", "pressed 2026"),),
    )
    yield _plant(11, "GENTIAN-A", properties={"SPECIES": "Gentiana acaulis", "HEIGHT": "0.12"})
    yield _plant(12, "GENTIAN-B", properties={"SPECIES": "Gentiana acaulis", "HEIGHT": "0.09"})
    yield _plant(13, "EDELWEISS", properties={"$NAME": "Edelweiß", "LEAVES": "14"})
    shared: dict[str, Any] = {"space": None, "project": None, "experiment": None}
    yield _plant(14, "REFERENCE-MOSS", properties={"$NAME": "for everybody"}, **shared)


def _plant(number: int, code: str, **fields: Any) -> Entity:
    values: dict[str, Any] = {
        "type": Code("PLANT"),
        "space": Code("GARDEN"),
        "project": Code("ALPINUM"),
        "experiment": _TRIAL,
    }
    return _entity(Kind.SAMPLE, number, code, **(values | fields))


def _all_properties(note: str) -> dict[str, str]:
    return {
        "$NAME": "Enzian",
        "SPECIES": "Gentiana acaulis",
        "HABITAT": "ALPINE",
        "HEIGHT": "0.07",
        "LEAVES": "6",
        "GERMINATES": "true",
        "COLLECTED_ON": "2026-03-02",
        "GROWN_IN": "PEAT (SUBSTRATE)",
        "MOTHER_PLANT": perm_id(14),
        "NOTES": note,
        "COUNTS": "3, 5, 8",
        "DOSES": "0.5, 1.0",
        "LABELS": "blue, rare",
        "VISITS": "2026-03-02 08:00:00 +0000, 2026-03-09 08:00:00 +0000",
        "SENSOR_SETTINGS": '{"speed": 3, "unit": "s"}',
        "SHEET": "<sheet><row/></sheet>",
        "REFERENCE": "https://garden.example.org/plants?id=7&view=all",
        "OBSERVED_AT": "2026-03-02 10:15:00 +0100",
        "AGE": "42",
    }


def _trays() -> Iterator[Entity]:
    """Two trays with wells of the same codes: only their trays distinguish the wells."""
    place: dict[str, Any] = {"space": Code("SEED_BANK"), "project": Code("VAULT")}
    for tray, wells in ((20, (21, 22)), (30, (31, 32))):
        yield _entity(
            *(Kind.SAMPLE, tray, f"TRAY-{tray}"),
            type=Code("SEED_TRAY"),
            connections=_component(*wells),
            **place,
        )
        for well in wells:
            yield _entity(
                *(Kind.SAMPLE, well, f"A0{well % 10}"),
                type=Code("WELL"),
                properties={"SPECIES": f"Species {well}"},
                **place,
            )


def _data_sets(store: DataStore) -> Iterator[Entity]:
    yield _images(
        *(store, 40, {f"original/day {day}/leaf {day}.png": 300_000 for day in range(1, 6)}),
        sample=Identifier("/GARDEN/ALPINUM/GENTIAN"),
        connections=_child(41),
        frozen=Frozen.FROZEN | Frozen.FOR_CHILDREN | Frozen.FOR_CONTAINERS,
    )
    yield _afs_data(store, 11, "/GARDEN/ALPINUM/GENTIAN-A")
    yield _images(store, 41, {"original/sum.csv": 20_000, "original/größe & 100%.txt": 40})
    yield _images(
        *(store, 42, {f"original/well_{n:03d}.dat": 4_096 for n in range(120)}),
        experiment=None,
        sample=Identifier("/SEED_BANK/VAULT/TRAY-20:A01"),
    )
    yield _data_set(
        *(43, DataSetKind.CONTAINER, "COLLECTION"),
        experiment=_TRIAL,
        connections=_component(41, 40),
    )
    yield _data_set(
        *(44, DataSetKind.CONTAINER, "COLLECTION"), experiment=_TRIAL, connections=_component(43)
    )
    yield _data_set(
        *(45, DataSetKind.LINK, "EXTERNAL"),
        experiment=_TRIAL,
        files=(FileNode(path="logs/weather.txt", length=0),),
        content_copies=(
            ContentCopy(
                external_dms=Code("GARDEN_GIT"),
                path="/srv/repositories/weather",
                git_commit_hash="0a1b2c3d4e5f60718293a4b5c6d7e8f901234567",
                git_repository_id="5f0c9a1e-8f7b-4a53-9d2e-2f4f6a1b7c90",
                id="1",
            ),
            ContentCopy(external_dms=Code("HERBARIUM"), external_code="SHEET-77", id="2"),
        ),
    )


def _images(store: DataStore, number: int, sizes: dict[str, int], **fields: Any) -> Entity:
    code = perm_id(number)
    contents = {path: noise(f"{code}/{path}", length) for path, length in sizes.items()}
    values: dict[str, Any] = {
        "experiment": _TRIAL,
        "files": put_data_set(store, code, contents),
        "properties": {"OBSERVED_AT": "2026-03-05 12:00:00 +0100"},
    }
    return _data_set(number, DataSetKind.PHYSICAL, "IMAGES", **(values | fields))


def _afs_data(store: DataStore, owner: int, sample: str) -> Entity:
    """The files of a sample in the application file service: a table, a note, an empty folder."""
    code, folders = perm_id(owner), ("2026-04",)
    contents = {"2026-03/heights.csv": b"day,height\n1,0.12\n", "watering.txt": b"twice a week\n"}
    return _data_set(
        *(owner, DataSetKind.PHYSICAL, "AFS_DATA"),
        experiment=_TRIAL,
        sample=Identifier(sample),
        files=put_afs_data(store, code, contents, folders),
        is_afs=True,
        empty_folders=folders,
    )


def _service_file(path: str) -> ServiceFile:
    content = picture(path)
    return ServiceFile(
        path=path,
        modified=on_day(3),
        length=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        content=content,
    )


def changed_values(store: DataStore) -> Iterator[Entity]:
    """The changes at the source a day later: an update, a new version, a new data set."""
    attachment: Attachment = put_attachment(store, "herbarium.txt", "pressed 2026", "framed 2026")
    yield _plant(
        *(13, "EDELWEISS"),
        properties={"$NAME": "Edelweiß", "LEAVES": "15", "NOTES": "one more leaf"},
        attachments=(attachment,),
        modified=on_day(30),
    )
    yield _images(store, 46, {"original/day 30/leaf.png": 250_000}, modified=on_day(30))


# The sample that is deleted on the source a day later.
GONE = perm_id(12)
