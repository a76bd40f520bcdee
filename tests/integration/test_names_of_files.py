"""Every name that Linux and macOS allow comes from a source into a destination, and further."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.model.ids import Code
from shared.model.kinds import Kind
from source_server.catalogues.openbis.catalogue import open_openbis
from tests.conftest import LoadOpenBis
from tests.support.instances.builders import (
    a_data_set,
    a_project,
    a_service_file,
    a_space,
    an_experiment,
    perm_id,
    some_master_data,
)
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import Instance
from tests.support.openbis.examples import Examples
from tests.support.openbis.reading import entities
from tests.support.servers.postgres import connected_to

NAMES = [
    "Icon\r",
    "back\\slash",
    "..\\..\\up",
    "C:",
    "c:folder",
    "line\nbreak",
    "ends with a line break\n",
    "\n",
    "tab\tand \r\n both",
    "next\x85line",
    "delete\x7f and \x9f",
    "line\u2028separator",
    " blanks ",
    "?#%&;+=@:,'\"<>|*",
    "%0A",
    "what?",
]


@pytest.fixture
def last(tmp_path: Path) -> Iterator[Harvest]:
    """The harvester at the end of a chain."""
    harvest = Harvest(tmp_path / "last")
    yield harvest
    harvest.instance.engine.dispose()


def test_files_of_every_name_come_through_two_harvesters(
    source: Instance, either: Harvest, last: Harvest
) -> None:
    code = perm_id(50)
    paths = [*NAMES, *(f"folder {name}/{name}" for name in NAMES)]
    contents = {path: f"content of {path!r}".encode() for path in paths}
    attached = [source.put_attachment(name, name.encode(), b"2") for name in NAMES]
    mentioned = [name for name in NAMES if not set(name) & {'"', "'"} and name.strip()]
    text = "".join(f'<img src="openbis/file-service/eln/{name}">' for name in mentioned)
    source.load(
        some_master_data(),
        a_space(),
        a_project(attachments=tuple(attached)),
        an_experiment(3, properties={"NOTES": text}),
        a_data_set(
            50,
            experiment="/ALPHA/KITCHEN/EXPERIMENT-3",
            files=tuple(source.put_file(code, path, contents[path]) for path in paths),
        ),
        *(a_service_file(f"eln/{name}", name.encode()) for name in mentioned),
    )
    source.add_user()

    with source.served() as url:
        either.section("DS1", url)
        either.init()
        either.converges()
        either.instance.add_user()
        with either.instance.served() as middle:
            last.section("DS2", middle)
            last.init()
            last.converges()

    for harvest in (either, last):
        folder = harvest.instance.store.data_set_folder(code)
        found = {f.relative_to(folder).as_posix(): f for f in folder.rglob("*") if f.is_file()}
        assert {path: file.read_bytes() for path, file in found.items()} == contents
        [project] = [
            e for (kind, _), e in harvest.instance.entities().items() if kind is Kind.PROJECT
        ]
        assert {each.file_name for each in project.attachments} == set(NAMES)
        for name in mentioned:
            assert (harvest.root / "file-service" / "eln" / name).read_bytes() == name.encode()


@pytest.mark.parametrize("noted_by_openbis", ["in path info", "nowhere"])
def test_openbis_serves_files_of_every_name(
    copy_openbis: LoadOpenBis, examples: Examples, x192_store_copy: Path, noted_by_openbis: str
) -> None:
    """Listed by path info or by a walk, and found when they are asked for."""
    url, path_info = copy_openbis(examples.database), copy_openbis(examples.path_info)
    catalogue = open_openbis(url, store_root=x192_store_copy, path_info_url=path_info)
    data_set = next(
        each for each in entities(catalogue, Kind.DATA_SET).values() if len(each.files) > 1
    )
    catalogue.close()
    code = str(data_set.perm_id)
    [known] = x192_store_copy.glob(f"*/**/{code}")
    paths = [f"added/{name}" for name in NAMES]
    for path in paths:
        file = known / path
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(path.encode())
    if noted_by_openbis == "in path info":
        with connected_to(path_info) as connection:
            for path in paths:
                connection.execute(
                    """insert into data_set_files (id, dase_id, relative_path, file_name,
                           size_in_bytes, is_directory, last_modified)
                       select (select max(id) + 1 from data_set_files), id, %s, %s, %s, false, now()
                         from data_sets where code = %s""",
                    [path, path, len(path.encode()), code],
                )
    catalogue = open_openbis(
        url,
        store_root=x192_store_copy,
        path_info_url=path_info if noted_by_openbis == "in path info" else None,
    )

    listed = {node.path for node in entities(catalogue, Kind.DATA_SET)[code].files}
    assert listed >= set(paths)
    for path in paths:
        content = catalogue.data_set_file(Code(code), path, examples.everything)
        assert content is not None
        assert content.length == len(path.encode())
    catalogue.close()
