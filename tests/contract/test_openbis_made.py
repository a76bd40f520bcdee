"""The made openBIS instance has what an openBIS can have, and its parts agree."""

from __future__ import annotations

import hashlib
import zlib
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import LoadOpenBis
from tests.support.openbis_made import database
from tests.support.openbis_made.world import HIDDEN
from tests.support.servers.postgres import connected_to


def rows(url: str, query: str) -> set[Any]:
    """Rows of one column as values, others as tuples."""
    with connected_to(url) as connection:
        found = connection.execute(query.encode()).fetchall()
    return {row[0] if len(row) == 1 else row for row in found}


@pytest.fixture(scope="module")
def newest(load_openbis: LoadOpenBis) -> str:
    return load_openbis(f"{database.PREFIX}{database.RICHEST}")


def test_there_is_a_value_of_every_data_type(newest: str) -> None:
    used = """select t.code from sample_properties v
        join sample_type_property_types a on a.id = v.stpt_id
        join property_types p on p.id = a.prty_id join data_types t on t.id = p.daty_id"""

    assert rows(newest, used) == rows(newest, "select code from data_types")
    assert len(rows(newest, "select code from data_types")) == 17


def test_every_kind_of_entity_has_values(newest: str) -> None:
    for table in ("sample", "experiment", "data_set", "material"):
        assert rows(newest, f"select count(*) > 0 from {table}_properties") == {True}  # noqa: S608


def test_there_are_roles_on_every_level_for_persons_and_groups(newest: str) -> None:
    levels = """select distinct case when project_id is not null then 'project'
            when space_id is not null then 'space' else 'instance' end,
        ag_id_grantee is not null from role_assignments"""

    assert rows(newest, levels) == {
        *(("instance", False), ("space", False), ("project", False)),
        *(("space", True), ("project", True)),
    }
    roles = {"ADMIN", "POWER_USER", "USER", "OBSERVER", "ETL_SERVER"}
    assert rows(newest, "select distinct role_code from role_assignments") == roles


def test_there_are_data_sets_of_every_kind_and_in_many_states(newest: str) -> None:
    kinds = {"PHYSICAL", "CONTAINER", "LINK"}
    states = {"AVAILABLE", "LOCKED", "ARCHIVED", "BACKUP_PENDING"}

    assert rows(newest, "select distinct data_set_kind from data_all") == kinds
    assert rows(newest, "select distinct status from external_data") == states
    unconfirmed = """select d.code from data_all d join external_data f on f.id = d.id
        where not f.storage_confirmation"""
    assert rows(newest, unconfirmed) == {HIDDEN}


@pytest.mark.parametrize("table", ["experiments_all", "samples_all", "data_all"])
def test_something_of_every_kind_lies_in_the_trash(newest: str, table: str) -> None:
    trashed = f"select count(*) > 0 from {table} where del_id is not null"  # noqa: S608
    assert rows(newest, trashed) == {True}


def test_arrays_are_arrays_over_domains_as_in_openbis(newest: str) -> None:
    declared = """select format_type(atttypid, null) from pg_attribute
        where attrelid = 'sample_properties'::regclass and attname like '%array%'"""

    arrays = {"long_value[]", "double_value[]", "text_value[]", "time_stamp[]"}
    assert rows(newest, declared) == arrays


def test_path_info_agrees_with_the_files_in_the_folder(
    load_openbis: LoadOpenBis, newest: str, tmp_path: Path
) -> None:
    database.fill_store(tmp_path)
    noted = """select d.code, d.location, f.relative_path, f.size_in_bytes,
            f.checksum_crc32, f.checksum
        from data_set_files f join data_sets d on d.id = f.dase_id where not f.is_directory"""
    found = rows(load_openbis(database.PATH_INFO), noted)

    for _, location, path, size, crc32, checksum in found:
        content = (tmp_path / "1" / location / path).read_bytes()
        assert len(content) == size
        assert crc32 is None or crc32 % 2**32 == zlib.crc32(content)
        assert checksum in {None, f"SHA256:{hashlib.sha256(content).hexdigest()}"}
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert len(found) == len(files) - 1  # share.properties belongs to the share
    assert {crc32 is None for *_, crc32, _ in found} == {True, False}
    places = "select d.code, f.location from data_all d join external_data f on f.id = d.id"
    assert {(code, location) for code, location, *_ in found} <= rows(newest, places)


def test_folders_have_the_size_of_what_is_in_them(load_openbis: LoadOpenBis) -> None:
    wrong = """select d.relative_path from data_set_files d where d.is_directory
           and d.size_in_bytes <> (select sum(f.size_in_bytes) from data_set_files f
               where f.dase_id = d.dase_id and not f.is_directory
                 and (d.relative_path = '' or f.relative_path like d.relative_path || '/%'))"""

    assert rows(load_openbis(database.PATH_INFO), wrong) == set()
