"""What a list says of meta data and of times of immutable data, and what a store makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from shared.errors import ItemError
from shared.model.entities import Entity
from shared.model.ids import Code
from shared.model.kinds import Frozen, Kind
from shared.model.unknown import Part, Reason, Unknown
from shared.store.changes import (
    ORIGINAL_STAMPS,
    Action,
    apply_kind,
    await_data_sets,
    copy_flags,
    copy_immutable_times,
    counts,
    settle_data_sets,
)
from shared.store.rows import entity_row
from shared.store.statements import execute
from tests.contract.passes import harvest, harvesting, plan
from tests.support.instances.builders import (
    a_data_set,
    a_sample,
    a_space,
    an_experiment,
    perm_id,
)
from tests.support.instances.instance import Instance, a_file

SPACE = a_space()
SINCE = datetime(2026, 2, 1, 8, tzinfo=UTC)
LATER = datetime(2026, 3, 1, 8, tzinfo=UTC)


def described(meta_data: Mapping[str, str] | None) -> list[Entity]:
    return [
        an_experiment(3, meta_data=meta_data),
        a_sample(4, meta_data=meta_data),
        a_data_set(5, meta_data=meta_data),
    ]


def stored(instance: Instance) -> list[Mapping[str, str] | None]:
    return [e.meta_data for e in instance.entities().values() if e.kind is not Kind.SPACE]


@pytest.mark.parametrize("meta_data", [{}, None, {"b": 'x"y', "a": "ü\n", "": ""}])
def test_meta_data_are_stored_as_they_come(
    instance: Instance, meta_data: Mapping[str, str] | None
) -> None:
    harvest(instance, SPACE, *described(meta_data))
    assert stored(instance) == [meta_data] * 3
    assert plan(instance, SPACE, *described(meta_data)) == {}


def test_meta_data_that_a_list_does_not_know_stay(instance: Instance) -> None:
    harvest(instance, SPACE, *described({"a": "b"}))
    unknown = described(None)
    assert plan(instance, SPACE, *unknown) == {}

    harvest(instance, SPACE, *[replace(e, type=Code("OTHER")) for e in unknown])

    assert {e.type for e in instance.entities().values() if e.type} == {"OTHER"}
    assert stored(instance) == [{"a": "b"}] * 3
    assert plan(instance, SPACE, *[replace(e, type=Code("OTHER")) for e in unknown]) == {}


@pytest.mark.parametrize("after", [{}, {"a": "c"}, {"a": "b", "c": ""}])
def test_meta_data_that_differ_are_taken(instance: Instance, after: Mapping[str, str]) -> None:
    harvest(instance, SPACE, *described({"a": "b"}))
    assert plan(instance, SPACE, *described(after)) == {
        "changed": {perm_id(3), perm_id(4), perm_id(5)}
    }
    harvest(instance, SPACE, *described(after))
    assert stored(instance) == [after] * 3
    assert plan(instance, SPACE, *described(after)) == {}


def test_that_there_are_none_is_no_change_where_none_are_known(instance: Instance) -> None:
    """Else the first harvest after an upgrade of source or harvester would write every row."""
    harvest(instance, SPACE, *described(None))
    assert plan(instance, SPACE, *described({})) == {}
    assert plan(instance, SPACE, *described({"a": "b"})) != {}


def test_meta_data_of_others_are_compared_if_the_list_knows_them(instance: Instance) -> None:
    harvest(instance, SPACE, *described({"a": "b"}), source="DS2")
    for meta_data, number in ((None, 0), ({"a": "b"}, 0), ({}, 3)):
        with harvesting(instance, SPACE, *described(meta_data)) as connection:
            assert len(execute(connection, "foreign_differ").all()) == number


def test_a_nul_in_meta_data_is_refused() -> None:
    assert entity_row(a_sample(meta_data={"a": "\\u0000"}))
    for spoiled in ({"a": "\0"}, {"\0": "b"}):
        with pytest.raises(ItemError, match="U\\+0000"):
            entity_row(a_sample(meta_data=spoiled))


def sealed(since: datetime | None, **fields: object) -> list[Entity]:
    return [
        an_experiment(3, immutable_since=since, **fields),
        a_sample(4, immutable_since=since, **fields),
    ]


def times(instance: Instance) -> set[datetime | None]:
    return {e.immutable_since for e in instance.entities().values() if e.kind is not Kind.SPACE}


def test_a_time_of_immutable_data_is_copied_on_its_own_and_then_stays(instance: Instance) -> None:
    harvest(instance, SPACE, *sealed(None))
    with harvesting(instance, SPACE, *sealed(SINCE)) as connection:
        assert counts(connection) == {}
        assert copy_flags(connection, "DS1") == []
        found = copy_immutable_times(connection, "DS1")
        assert [one.perm_id for one in found] == [perm_id(3), perm_id(4)]
        assert copy_immutable_times(connection, "DS1") == []
    assert times(instance) == {SINCE}
    for other in (None, LATER):
        harvest(instance, SPACE, *sealed(other, frozen=Frozen.FROZEN))
        harvest(instance, SPACE, *sealed(other, type=Code("OTHER")))
        assert times(instance) == {SINCE}
        with harvesting(instance, SPACE, *sealed(other)) as connection:
            assert copy_immutable_times(connection, "DS1") == []


def test_a_time_of_immutable_data_is_not_copied_to_what_another_section_brought(
    instance: Instance,
) -> None:
    harvest(instance, SPACE, *sealed(None), source="DS2")
    harvest(instance, SPACE, *sealed(SINCE))
    assert times(instance) == {None}


def test_a_time_of_immutable_data_comes_after_the_data(instance: Instance) -> None:
    owner = a_sample(4, immutable_since=SINCE)
    other = a_sample(6, immutable_since=SINCE)
    data = a_data_set(4, is_afs=True, sample="/ALPHA/SAMPLE-4", files=(a_file("a", b"a"),))
    listed = (SPACE, owner, other, data)
    with harvesting(instance, *listed) as connection:
        await_data_sets(connection, "DS1", [data.code])
        for kind in (Kind.SPACE, Kind.SAMPLE):
            apply_kind(connection, kind, "DS1", ORIGINAL_STAMPS)
        assert [p.perm_id for p in copy_immutable_times(connection, "DS1")] == [other.perm_id]
        assert (Kind.DATA_SET, Action.WAITING) in counts(connection)
    with harvesting(instance, *listed) as connection:
        apply_kind(connection, Kind.DATA_SET, "DS1", ORIGINAL_STAMPS)
        settle_data_sets(connection)
        assert [p.perm_id for p in copy_immutable_times(connection, "DS1")] == [owner.perm_id]


def test_a_time_of_immutable_data_waits_for_data_that_cannot_be_had(instance: Instance) -> None:
    owner = a_sample(4, immutable_since=SINCE)
    data = a_data_set(4, is_afs=True, sample="/ALPHA/SAMPLE-4", files=(a_file("a", b"a"),))
    away = Unknown(part=Part.FILES, reason=Reason.NOT_MOUNTED)
    harvest(instance, SPACE, owner, replace(data, files=(), unknown=(away,)))
    assert times(instance) == {None}
    harvest(instance, SPACE, sealed(None)[1], replace(data, files=()))
    with harvesting(instance, SPACE, owner, replace(data, files=())) as connection:
        fault = {"kind": "DATA_SET", "perm_id": data.perm_id}
        connection.execute(text("INSERT INTO incoming_fault VALUES (:kind, :perm_id)"), fault)
        assert copy_immutable_times(connection, "DS1") == []
    harvest(instance, SPACE, owner, data)
    assert times(instance) == {SINCE, None}


@pytest.mark.parametrize("action", ["held", "spared"])
def test_a_time_of_immutable_data_does_not_come_while_an_older_content_is_kept(
    instance: Instance, action: str
) -> None:
    owner = a_sample(4, immutable_since=SINCE)
    with harvesting(instance, SPACE, owner) as connection:
        for kind in (Kind.SPACE, Kind.SAMPLE):
            apply_kind(connection, kind, "DS1", ORIGINAL_STAMPS)
        kept = {"kind": "DATA_SET_CONTENT", "perm_id": owner.perm_id, "action": action}
        connection.execute(text("INSERT INTO plan VALUES (:kind, :perm_id, :action)"), kept)
        assert copy_immutable_times(connection, "DS1") == []
