"""The store's promises about users, sources, transactions and its own opening."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.errors import ConfigError
from shared.model.ids import Code, Identifier
from shared.model.kinds import Kind
from shared.model.master_data import DataType, EntityType, MasterData, PropertyType
from shared.store.engine import create_store, data_store_uuid, open_store, snapshot, work
from shared.store.master_data import (
    flatten,
    remove_definitions,
    stored_definitions,
    stored_master_data,
    write_definitions,
)
from shared.store.read import space_codes
from shared.store.sources import (
    finish_source,
    low_water_mark,
    start_source,
)
from shared.store.tables import master_data
from shared.store.users import (
    Assignment,
    Role,
    add_persons,
    find_person,
    grant,
    persons,
    revoke,
    set_password,
)
from tests.support.instances.builders import a_sample, a_space, a_type_group
from tests.support.instances.full_instance import full_master_data
from tests.support.instances.instance import Instance

NOON = datetime(2024, 3, 5, 12, 0, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_a_store_that_is_there_is_opened_as_it_is(instance: Instance) -> None:
    instance.load(a_space())
    url = instance.engine.url.render_as_string(hide_password=False)
    for again in (create_store(url), open_store(url)):
        with again.connect() as connection, instance.engine.connect() as other:
            assert data_store_uuid(connection) == data_store_uuid(other)
            assert space_codes(connection) == ["ALPHA"]
        again.dispose()


def test_a_store_of_another_version_is_refused(instance: Instance) -> None:
    instance.execute("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
    url = instance.engine.url.render_as_string(hide_password=False)
    for opening in (open_store, create_store):
        with pytest.raises(ConfigError, match="schema version 99, this program needs 4"):
            opening(url)


def test_an_empty_database_is_no_store(postgres_url: str, tmp_path: Path) -> None:
    for url in (postgres_url, f"sqlite:///{tmp_path}/nothing.db"):
        with pytest.raises(ConfigError, match="there is no instance yet; create one with"):
            open_store(url)
    assert not (tmp_path / "nothing.db").exists()


def test_a_database_that_cannot_be_reached_is_told_without_its_password() -> None:
    url = "postgresql://someone:secret@127.0.0.1:1/nothing"
    with pytest.raises(ConfigError, match="cannot be opened") as caught:
        open_store(url)
    assert "someone:***@127.0.0.1" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_snapshot_does_not_see_what_is_committed_meanwhile(instance: Instance) -> None:
    instance.load(a_space())
    with snapshot(instance.engine) as connection:
        assert space_codes(connection) == ["ALPHA"]
        instance.load(a_space("BETA"), a_space("ALPHA", description="changed"))
        assert space_codes(connection) == ["ALPHA"]
        descriptions = connection.exec_driver_sql("SELECT description FROM entity").scalars()
        assert list(descriptions) == [None]
    with snapshot(instance.engine) as connection:
        assert space_codes(connection) == ["ALPHA", "BETA"]


def test_what_fails_within_a_transaction_of_work_is_undone_and_what_was_before_stays(
    instance: Instance,
) -> None:
    insert = "INSERT INTO meta (key, value) VALUES ('{}', '')"
    with instance.engine.connect() as connection, work(connection) as transaction:
        with transaction():
            connection.exec_driver_sql(insert.format("first"))
        with suppress(ZeroDivisionError), transaction():
            connection.exec_driver_sql(insert.format("second"))
            raise ZeroDivisionError
        with transaction():
            connection.exec_driver_sql(insert.format("third"))
    keys = {str(key) for (key,) in instance.rows("SELECT key FROM meta")}
    assert {"first", "third"} <= keys
    assert "second" not in keys


def test_a_long_reader_does_not_keep_a_writer_from_its_work(instance: Instance) -> None:
    instance.load(a_space())
    with snapshot(instance.engine) as connection:
        assert space_codes(connection) == ["ALPHA"]
        instance.load(*(a_sample(n) for n in range(10)))
    assert len(instance.entities()) == 11


def test_persons_are_added_once_and_cannot_sign_in(instance: Instance) -> None:
    with instance.engine.begin() as connection:
        assert add_persons(connection, "DS1", ["otto", "mira", "otto"]) == ["mira", "otto"]
        assert add_persons(connection, "DS2", ["Mira", "ada"]) == ["ada"]
        assert [p.user_id for p in persons(connection)] == ["ada", "mira", "otto"]
        assert {p.password_hash for p in persons(connection)} == {None}
        assert add_persons(connection, "DS2", []) == []


def test_two_spellings_of_a_new_user_make_one_person(instance: Instance) -> None:
    with instance.engine.begin() as connection:
        add_persons(connection, "DS1", ["Mira", "mira"])
        assert len(persons(connection)) == 1


def test_a_person_is_found_in_any_case_and_exactly_if_possible(instance: Instance) -> None:
    with instance.engine.begin() as connection:
        add_persons(connection, "", ["mira"])
        found = find_person(connection, "MIRA")
        assert found is not None
        assert found.user_id == "mira"
        assert find_person(connection, "nobody") is None
        set_password(connection, "mira", "hash")
        again = find_person(connection, "mira")
        assert again is not None
        assert again.password_hash == "hash"
        with pytest.raises(ConfigError, match="user 'nobody' does not exist"):
            set_password(connection, "nobody", "hash")


def test_roles_say_what_a_person_sees(instance: Instance) -> None:
    with instance.engine.begin() as connection:
        add_persons(connection, "", ["mira"])
        for place in ("/BETA", "/ALPHA/ONE", "/BETA"):
            grant(connection, "mira", Role.OBSERVER, place)
        mira = find_person(connection, "mira")
        assert mira is not None
        assert mira.roles == (
            Assignment(place="/ALPHA/ONE", role=Role.OBSERVER),
            Assignment(place="/BETA", role=Role.OBSERVER),
        )
        assert mira.spaces == {Code("BETA")}
        assert mira.projects == {Identifier("/ALPHA/ONE")}
        assert not mira.sees_everything
        grant(connection, "mira", Role.POWER_USER)
        mira = find_person(connection, "mira")
        assert mira is not None
        assert mira.sees_everything
        assert not mira.is_instance_admin
        revoke(connection, "mira", Role.POWER_USER)
        revoke(connection, "mira", Role.POWER_USER)
        grant(connection, "mira", Role.ADMIN)
        mira = find_person(connection, "mira")
        assert mira is not None
        assert mira.is_instance_admin
        with pytest.raises(ConfigError, match="user 'nobody' does not exist"):
            grant(connection, "nobody", Role.ADMIN)


def test_the_low_water_mark_is_that_of_the_source_that_is_furthest_behind(
    instance: Instance,
) -> None:
    with instance.engine.begin() as connection:
        assert low_water_mark(connection) is None
        start_source(connection, "ONE", "http://one", NOON)
        assert low_water_mark(connection) == NOON
        finish_source(connection, "ONE", NOON - HOUR)
        assert low_water_mark(connection) == NOON - HOUR
        start_source(connection, "TWO", "http://two", NOON)
        finish_source(connection, "TWO", None)  # something failed: it counts from its beginning
        assert low_water_mark(connection) == NOON - HOUR
        start_source(connection, "ONE", "http://one", NOON + HOUR)
        finish_source(connection, "ONE", NOON + HOUR)
        assert low_water_mark(connection) == NOON
        finish_source(connection, "ONE", None)  # keeps what it had
        finish_source(connection, "TWO", NOON + 3 * HOUR)
        assert low_water_mark(connection) == NOON + HOUR


def test_a_definition_of_an_older_program_is_read(instance: Instance) -> None:
    """It lacks what openBIS 7 has brought."""
    older = {
        "PROPERTY_TYPE": '{"code": "P", "label": "", "data_type": "VARCHAR"}',
        "SAMPLE_TYPE": '{"kind": "SAMPLE", "code": "P"}',
    }
    with instance.engine.begin() as connection:
        for kind, content in older.items():
            row = {"kind": kind, "owner": "", "code": "P", "source": "", "content": content}
            connection.execute(master_data.insert().values(row))
        property_type, sample_type = stored_definitions(connection).values()
    assert property_type.value == PropertyType(
        code=Code("P"), label="", data_type=DataType.VARCHAR, multi_value=None, meta_data=None
    )
    assert sample_type.value == EntityType(kind=Kind.SAMPLE, code=Code("P"))


def test_type_groups_are_assembled_with_the_members_of_all_owners(instance: Instance) -> None:
    one = MasterData(type_groups=(a_type_group("G", "B", meta_data={"k": "v", "a": ""}),))
    two = {
        key: value
        for key, value in flatten(MasterData(type_groups=(a_type_group("G", "A"),))).items()
        if key.owner
    }
    with instance.engine.begin() as connection:
        write_definitions(connection, "ONE", flatten(one))
        write_definitions(connection, "TWO", two)
        stored = stored_master_data(connection)
    assert stored.type_groups == (a_type_group("G", "A", "B", meta_data={"k": "v", "a": ""}),)


def test_definitions_are_read_as_they_were_written(instance: Instance) -> None:
    definitions = flatten(full_master_data())
    some = dict(list(definitions.items())[:3])
    with instance.engine.begin() as connection:
        write_definitions(connection, "ONE", definitions)
        write_definitions(connection, "TWO", some)
        write_definitions(connection, "TWO", {})
        stored = stored_definitions(connection)
        assert {key: each.value for key, each in stored.items()} == definitions
        assert {key for key, each in stored.items() if each.source == "TWO"} == some.keys()
        remove_definitions(connection, some)
        assert stored_definitions(connection).keys() == definitions.keys() - some.keys()
