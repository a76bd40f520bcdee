"""The mark by which an instance tells that nothing it shows has changed."""

from __future__ import annotations

import pytest

from shared.store.engine import rehearsal
from shared.store.load import load
from shared.store.published import SHOWN, published_mark, renew_mark, writes_what_is_shown
from tests.support.instances.builders import a_sample
from tests.support.instances.full_instance import a_full_instance
from tests.support.instances.instance import Instance


def mark_of(instance: Instance) -> str:
    with instance.engine.connect() as connection:
        mark = published_mark(connection)
    assert mark is not None
    return mark


@pytest.fixture
def filled(instance: Instance) -> Instance:
    """With rows in all of the tables that count."""
    a_full_instance(instance)
    instance.add_user("mira")
    counts = {table: instance.rows(f"SELECT count(*) FROM {table}") for table in SHOWN}  # noqa: S608
    assert all(number > 0 for [(number,)] in counts.values()), counts  # type: ignore[operator]
    return instance


@pytest.mark.parametrize("table", sorted(SHOWN))
def test_a_write_to_what_is_shown_changes_the_mark(filled: Instance, table: str) -> None:
    before = mark_of(filled)
    filled.execute(f"DELETE FROM {table}")  # noqa: S608 - names of our own tables
    assert mark_of(filled) != before


def test_two_changes_never_give_the_same_mark(instance: Instance) -> None:
    marks = [mark_of(instance)]
    for number in range(3):
        instance.load(a_sample(code=f"S{number}"))
        marks.append(mark_of(instance))
        instance.execute("DELETE FROM entity")
        marks.append(mark_of(instance))
    assert len(set(marks)) == len(marks)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entity SET code = code WHERE perm_id = 'nobody'",
        "DELETE FROM link WHERE kind = 'NOTHING'",
        "INSERT INTO source (name, url) VALUES ('DS1', 'http://nowhere')",
        "INSERT INTO meta (key, value) VALUES ('something', 'else')",
    ],
)
def test_what_writes_nothing_that_is_shown_leaves_the_mark(
    filled: Instance, statement: str
) -> None:
    before = mark_of(filled)
    filled.execute(statement)
    assert mark_of(filled) == before


def test_a_rehearsal_leaves_the_mark(instance: Instance) -> None:
    before = mark_of(instance)
    with instance.engine.connect() as connection:
        with rehearsal(connection) as transaction, transaction():
            load(connection, instance.store, [a_sample()])
        with connection.begin():
            renewed = published_mark(connection)
    assert before == renewed == mark_of(instance)


def test_what_was_rolled_back_is_forgotten(instance: Instance) -> None:
    before = mark_of(instance)
    with instance.engine.connect() as connection:
        with connection.begin() as transaction:
            connection.exec_driver_sql("DELETE FROM entity")
            load(connection, instance.store, [a_sample()])
            transaction.rollback()
        with connection.begin():
            connection.exec_driver_sql("INSERT INTO source (name, url) VALUES ('DS1', 'x')")
    assert mark_of(instance) == before


def test_what_writes_past_the_engine_can_renew_the_mark(instance: Instance) -> None:
    before = mark_of(instance)
    with instance.engine.begin() as connection:
        renew_mark(connection)
    assert mark_of(instance) != before


@pytest.mark.parametrize(
    ("statement", "writes"),
    [
        ("INSERT INTO entity (kind) VALUES (1)", True),
        ('insert or replace into "link" values (1)', True),
        ("WITH x AS (SELECT 1)\nUPDATE master_data SET source = 1", True),
        ("DELETE  FROM\n attachment", True),
        ("COPY data_set_file (code) FROM STDIN", True),
        ("TRUNCATE person", True),
        ("INSERT INTO incoming_entity SELECT * FROM entity", False),
        ("INSERT INTO trash_entity SELECT * FROM entity", False),
        ("DELETE FROM entity_of_another_kind", False),
        ("SELECT * FROM entity", False),
    ],
)
def test_statements_that_write_are_known(statement: str, *, writes: bool) -> None:
    assert writes_what_is_shown(statement) is writes
