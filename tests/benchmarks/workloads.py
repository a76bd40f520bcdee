"""The instances that are measured, from a seeded generator: the same values on every machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from shared.model.entities import Connection, Entity
from shared.model.ids import Code, PermId, material_perm_id
from shared.model.kinds import DataSetKind, Kind, Relation
from shared.model.master_data import (
    DataType,
    EntityType,
    MasterData,
    PropertyAssignment,
    PropertyType,
)

SPACES = 20
PROJECTS = 200
PROPERTIES = 10
_BEGIN = datetime(2024, 1, 1, 8, 0, 0, tzinfo=UTC)
_TYPE = Code("BENCH_SAMPLE")
_WORDS = (
    *("cell", "culture", "medium", "buffer", "incubated", "overnight", "aliquot", "primer"),
    *("plasmid", "wild-type", "knock-out", "measured", "sequenced", "frozen", "room", "control"),
    *("temperature", "replicate", "at", "of", "Zürich", "naïve", "β-actin", "µl"),
)
# Some values need escaping, as some of real ones do.
_RARE = ("a < b & c", "<p>bold</p>", '5" tube', "line one\nline two")


def space(number: int) -> Code:
    return Code(f"BENCH_{number % SPACES:02d}")


def project(number: int) -> Code:
    """Each lies in the space of its number."""
    return Code(f"PROJECT_{number % PROJECTS:03d}")


def property_code(number: int) -> Code:
    return Code(f"BENCH_PROPERTY_{number:02d}")


def sample_perm_id(number: int) -> PermId:
    moment = _BEGIN + timedelta(seconds=number)
    return PermId(f"{moment:%Y%m%d%H%M%S}000-{number}")


def master_data() -> MasterData:
    codes = [property_code(number) for number in range(PROPERTIES)]
    return MasterData(
        property_types=tuple(
            PropertyType(
                code=code, label=code.title(), data_type=DataType.VARCHAR, registered=_BEGIN
            )
            for code in codes
        ),
        entity_types=(
            EntityType(
                kind=Kind.SAMPLE,
                code=_TYPE,
                modified=_BEGIN,
                assignments=tuple(
                    PropertyAssignment(property_type=code, ordinal=ordinal, registered=_BEGIN)
                    for ordinal, code in enumerate(codes, start=1)
                ),
            ),
        ),
    )


def places() -> Iterator[Entity]:
    """The spaces and projects that samples lie in."""
    for number in range(SPACES):
        yield Entity(
            kind=Kind.SPACE,
            perm_id=PermId(space(number)),
            code=space(number),
            registered=_BEGIN,
            modified=_BEGIN,
            registrator="bench",
        )
    for number in range(PROJECTS):
        yield Entity(
            kind=Kind.PROJECT,
            perm_id=PermId(f"20240101070000000-{number}"),
            code=project(number),
            space=space(number),
            registered=_BEGIN,
            modified=_BEGIN,
            registrator="bench",
        )


def samples(count: int, *, seed: int = 1, only: int | None = None) -> Iterator[Entity]:
    """Each with ten properties, and a link to the next one as its child. With another ``seed``
    they have other properties; ``only`` so many, the first ones."""
    random = Random(seed)  # noqa: S311 - the same values every time are what is wanted
    for number in range(count if only is None else only):
        moment = _BEGIN + timedelta(seconds=number)
        yield Entity(
            kind=Kind.SAMPLE,
            perm_id=sample_perm_id(number),
            code=Code(f"SAMPLE-{number}"),
            type=_TYPE,
            space=space(number),
            project=project(number),
            registered=moment,
            modified=moment + timedelta(days=30),
            registrator="bench",
            modifier="bench",
            properties={property_code(p): _value(random) for p in range(PROPERTIES)},
            connections=(
                Connection(relation=Relation.CHILD, to=sample_perm_id((number + 1) % count)),
            ),
        )


def _value(random: Random) -> str:
    words = random.choices(_WORDS, k=random.randint(2, 6))
    if random.random() < 0.01:
        words.append(random.choice(_RARE))
    return " ".join(words)


def large_list(count: int) -> Iterator[MasterData | Entity]:
    """Workloads S and L: what is loaded into the source."""
    yield master_data()
    yield from places()
    yield from samples(count)


def mixed_list(count: int) -> Iterator[MasterData | Entity]:
    """Workload M: the proportions of openBIS's own test database, the largest one at hand: of 1,000
    entities 775 are materials, 214 samples, 8 data sets (without files), 3 experiments."""
    yield _mixed_master_data()
    yield from places()
    random = Random(count)  # noqa: S311 - the same values every time are what is wanted
    for number in range(count):
        yield _mixed(number, random)


_SHARES = ((775, Kind.MATERIAL), (989, Kind.SAMPLE), (997, Kind.DATA_SET), (1000, Kind.EXPERIMENT))


def _mixed_master_data() -> MasterData:
    defined = master_data()
    (samples_type,) = defined.entity_types
    types = [replace(samples_type, kind=kind) for _, kind in _SHARES]
    return replace(defined, entity_types=tuple(types))


def _mixed(number: int, random: Random) -> Entity:
    """Properties as there: two or three of a material, few of all else."""
    kind = next(kind for share, kind in _SHARES if number % 1000 < share)
    moment = _BEGIN + timedelta(seconds=number)
    code = Code(f"{kind.value}-{number}")
    perm_id = sample_perm_id(number)
    if kind is Kind.MATERIAL:
        perm_id = material_perm_id(code, _TYPE)
    elif kind is Kind.DATA_SET:
        code = Code(perm_id)
    home = {} if kind in {Kind.MATERIAL, Kind.DATA_SET} else _home(number)
    return Entity(
        kind=kind,
        perm_id=perm_id,
        code=code,
        type=_TYPE,
        registered=moment,
        modified=moment,
        registrator="bench",
        properties={property_code(p): _value(random) for p in range(number % 3 + 1)},
        data_set_kind=DataSetKind.CONTAINER if kind is Kind.DATA_SET else None,
        **home,
    )


def _home(number: int) -> dict[str, Any]:
    return {"space": space(number), "project": project(number)}
