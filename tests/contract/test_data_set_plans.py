"""Files of data sets are read a page at a time, whatever the data sets are like."""

from __future__ import annotations

from harvester.openbis.destination.data_set_plans import files_of_first
from shared.model.entities import FileNode
from shared.model.ids import Code, PermId
from shared.model.kinds import DataSetKind, Kind
from shared.store.incoming import Incoming
from tests.support.instances.builders import an_entity
from tests.support.instances.instance import Instance

CODES = ["20240101000000000-1", "20240101000000000-2", "20240101000000000-3"]


def pages(instance: Instance, most: int, *counts: int) -> list[dict[str, list[str]]]:
    """What the calls give, until all data sets, with so many files each, have had their turn."""
    found = []
    with instance.engine.connect() as connection, connection.begin():
        incoming = Incoming(connection)
        for code, count in zip(CODES, counts, strict=False):
            incoming.add(
                an_entity(
                    Kind.DATA_SET,
                    perm_id=PermId(code),
                    code=Code(code),
                    data_set_kind=DataSetKind.PHYSICAL,
                    files=tuple(
                        FileNode(path=f"original/{n}", length=n, href=f"http://s/{n}")
                        for n in range(count)
                    ),
                )
            )
        incoming.finish()
        left = CODES[: len(counts)]
        while left:
            page = files_of_first(connection, left, most)
            assert all(file.href == f"http://s/{file.length}" for f in page.values() for file in f)
            found.append({code: [f.path for f in files] for code, files in page.items()})
            left = left[len(page) :]
    return found


def paths(count: int) -> list[str]:
    return [f"original/{n}" for n in range(count)]


def test_small_data_sets_come_together(instance: Instance) -> None:
    assert pages(instance, 10, 2, 0, 3) == [dict(zip(CODES, map(paths, (2, 0, 3)), strict=True))]


def test_a_data_set_is_never_divided(instance: Instance) -> None:
    assert pages(instance, 4, 3, 2, 1) == [
        {CODES[0]: paths(3)},
        {CODES[1]: paths(2), CODES[2]: paths(1)},
    ]


def test_one_that_is_larger_than_a_page_comes_alone_and_whole(instance: Instance) -> None:
    assert pages(instance, 4, 9, 0, 1) == [{CODES[0]: paths(9)}, {CODES[1]: [], CODES[2]: paths(1)}]
