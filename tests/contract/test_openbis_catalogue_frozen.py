"""Frozen flags of the five kinds that have them."""

from __future__ import annotations

import pytest

from shared.model.kinds import Frozen, Kind
from source_server.catalogues.openbis.catalogue import OpenBisCatalogue
from tests.conftest import LoadOpenBis, OpenCatalogue
from tests.support.openbis.examples import Examples
from tests.support.openbis.reading import entities
from tests.support.servers.postgres import run


def test_every_flag_of_a_frozen_row_is_told(examples: Examples, x192: OpenBisCatalogue) -> None:
    sample = entities(x192, Kind.SAMPLE)[examples.referred]
    experiment = entities(x192, Kind.EXPERIMENT)[examples.experiment]
    spaces = entities(x192, Kind.SPACE)

    assert sample.frozen == (
        Frozen.FROZEN
        | Frozen.FOR_CHILDREN
        | Frozen.FOR_PARENTS
        | Frozen.FOR_COMPONENTS
        | Frozen.FOR_DATA_SETS
    )
    assert experiment.frozen == Frozen.FROZEN | Frozen.FOR_DATA_SETS
    assert spaces[examples.spaces[0]].frozen == Frozen(0)


@pytest.mark.parametrize(
    ("kind", "table", "flags"),
    [
        (Kind.SPACE, "spaces", {"proj": Frozen.FOR_PROJECTS, "samp": Frozen.FOR_SAMPLES}),
        (Kind.PROJECT, "projects", {"exp": Frozen.FOR_EXPERIMENTS, "samp": Frozen.FOR_SAMPLES}),
        (
            Kind.EXPERIMENT,
            "experiments_all",
            {"samp": Frozen.FOR_SAMPLES, "data": Frozen.FOR_DATA_SETS},
        ),
        (
            Kind.SAMPLE,
            "samples_all",
            {
                "children": Frozen.FOR_CHILDREN,
                "parents": Frozen.FOR_PARENTS,
                "comp": Frozen.FOR_COMPONENTS,
                "data": Frozen.FOR_DATA_SETS,
            },
        ),
        (
            Kind.DATA_SET,
            "data_all",
            {
                "children": Frozen.FOR_CHILDREN,
                "parents": Frozen.FOR_PARENTS,
                "comps": Frozen.FOR_COMPONENTS,
                "conts": Frozen.FOR_CONTAINERS,
            },
        ),
    ],
)
def test_each_frozen_column_is_its_own_flag(
    examples: Examples,
    copy_openbis: LoadOpenBis,
    open_catalogue: OpenCatalogue,
    kind: Kind,
    table: str,
    flags: dict[str, Frozen],
) -> None:
    """Each row gets one of the columns: the row with id ``n`` the one with number ``n`` modulo."""
    url = copy_openbis(examples.database)
    catalogue = open_catalogue(url)
    columns = {"frozen": Frozen.FROZEN} | {f"frozen_for_{name}": flags[name] for name in flags}
    values = ", ".join(
        f"{column} = (id % {len(columns)} = {number})" for number, column in enumerate(columns)
    )
    run(url, "update <table> set <values>".replace("<table>", table).replace("<values>", values))

    found = [entity.frozen for entity in entities(catalogue, kind).values()]
    assert set(found) == set(columns.values())


def test_before_schema_173_nothing_is_frozen(
    examples: Examples, load_openbis: LoadOpenBis, open_catalogue: OpenCatalogue
) -> None:
    catalogue = open_catalogue(load_openbis(examples.databases[154]))

    for kind in (Kind.SPACE, Kind.PROJECT, Kind.EXPERIMENT, Kind.SAMPLE, Kind.DATA_SET):
        assert {entity.frozen for entity in entities(catalogue, kind).values()} == {Frozen(0)}
