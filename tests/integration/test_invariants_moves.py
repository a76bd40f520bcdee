"""What must always hold (harvester-semantics.md, 5): 5, moves and deletions in any order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.model.entities import Entity
from shared.model.ids import Code, Identifier
from shared.model.kinds import DataSetKind, Relation
from tests.support.instances.builders import (
    a_data_set,
    a_project,
    a_sample,
    a_space,
    an_experiment,
    perm_id,
    some_master_data,
)
from tests.support.instances.full_instance import connected
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import Instance

OLD, NEW = a_project(10, code="OLD"), a_project(11, code="NEW")
TRIAL = an_experiment(20, code="TRIAL", project=Code("OLD"))
BREW = a_sample(30, code="BREW", project="OLD", experiment=Identifier("/ALPHA/OLD/TRIAL"))
RAW = a_data_set(40, experiment=Identifier("/ALPHA/OLD/TRIAL"))
PLATE = a_sample(31, code="PLATE", connections=connected(Relation.COMPONENT, perm_id(32)))
WELL = a_sample(32, code="A01")
OF_WELL = a_data_set(41, sample=Identifier("/ALPHA/PLATE:A01"))
BOX = a_data_set(
    42,
    experiment=Identifier("/ALPHA/OLD/TRIAL"),
    data_set_kind=DataSetKind.CONTAINER,
    connections=connected(Relation.COMPONENT, perm_id(40)),
)
BEFORE = (a_space(), a_space("BETA"), OLD, NEW, TRIAL, BREW, RAW, PLATE, WELL, OF_WELL, BOX)


def moved(entity: Entity, **fields: str | None) -> Entity:
    """The same entity elsewhere; a later modification time, as openBIS gives it."""
    return replace(entity, **fields)  # type: ignore[arg-type] # plain texts for codes


IN_NEW = {"experiment": "/ALPHA/NEW/TRIAL"}
CHANGES: dict[str, tuple[list[Entity], list[Entity]]] = {
    "a project is deleted after its experiments moved": (
        [
            moved(TRIAL, project="NEW"),
            moved(BREW, project="NEW", **IN_NEW),
            moved(RAW, **IN_NEW),
            moved(BOX, **IN_NEW),
        ],
        [OLD],
    ),
    "an experiment is deleted after its samples and data sets moved": (
        [
            moved(BREW, project="NEW", experiment=None),
            moved(RAW, experiment=None, sample="/ALPHA/NEW/BREW"),
        ],
        [TRIAL, BOX],
    ),
    "a container is deleted and its component kept": (
        [moved(OF_WELL, sample="/ALPHA/A01")],
        [PLATE, BOX],
    ),
    "a component is deleted and its container kept": (
        [replace(PLATE, connections=()), replace(BOX, connections=())],
        [WELL, OF_WELL, RAW],
    ),
    "a code is given to another sample after the first was deleted": (
        [a_sample(33, code="BREW", project="OLD", experiment=BREW.experiment)],
        [BREW],
    ),
    "two samples swap their codes": (
        [
            replace(BREW, code=Code("A01"), project=None, experiment=None),
            replace(WELL, code=Code("BREW"), project=Code("OLD"), experiment=BREW.experiment),
            replace(PLATE, connections=()),
            moved(OF_WELL, sample="/ALPHA/OLD/BREW"),
        ],
        [],
    ),
    "a project moves to another space and the first space is deleted": (
        [
            moved(OLD, space="BETA"),
            moved(TRIAL, space="BETA", project="OLD"),
            moved(BREW, space="BETA", experiment="/BETA/OLD/TRIAL"),
            moved(RAW, experiment="/BETA/OLD/TRIAL"),
            moved(BOX, experiment="/BETA/OLD/TRIAL"),
        ],
        [a_space(), NEW, PLATE, WELL, OF_WELL],
    ),
    "a sample becomes shared": (
        [moved(BREW, space=None, project=None, experiment=None), moved(RAW, sample="/BREW")],
        [],
    ),
}


@pytest.mark.parametrize("prefixed", ["false", "true"])
@pytest.mark.parametrize("change", CHANGES)
def test_5_moving_and_deleting_in_any_order_converges_in_one_run(
    source: Instance, harvest: Harvest, change: str, prefixed: str
) -> None:
    then, gone = CHANGES[change]
    source.load(some_master_data(), *BEFORE)
    source.add_user()
    with source.served() as url:
        harvest.section(
            "DS1", url, deletion_allowed="true", translate_using_data_source_alias=prefixed
        )
        harvest.init()
        assert harvest.run().code == 0
        source.delete(*gone)
        source.load(*then)
        harvest.converges()
        assert "nothing to do" in harvest.run().output
    if prefixed == "false":
        assert harvest.instance.entities() == source.entities()
    assert len(harvest.instance.entities()) == len(source.entities())
