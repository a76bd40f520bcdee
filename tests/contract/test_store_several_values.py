"""Several values of a property in the store, and at a destination whose list may not show all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from harvester.openbis.destination.kept_values import unlisted, with_kept
from shared.errors import ItemError
from shared.model.entities import Entity
from shared.model.ids import Code
from shared.model.kinds import Kind
from shared.model.properties import PropertyValue
from shared.model.unknown import Part, Reason, Unknown
from shared.store.changes import ORIGINAL_STAMPS, Action, apply_kind, planned
from shared.store.read import Reader, texts_containing, within
from shared.store.rows import content_hash, entity_row, properties_text
from shared.store.tables import entity as entity_table
from tests.contract.passes import completing, harvest
from tests.support.instances.builders import a_sample, a_space, perm_id
from tests.support.instances.instance import Instance

WELLS = [a_sample(number, code=f"A{number}") for number in (7, 8, 9)]
SEVEN, EIGHT, NINE = (well.perm_id for well in WELLS)
ALONE = a_sample(4)
HIDDEN = Unknown(part=Part.PROPERTIES, reason=Reason.OUT_OF_SCOPE, detail="FRIEND")


def with_values(*values: str, **fields: PropertyValue) -> Entity:
    """The sample with these friends, and with other properties."""
    friends = {"FRIEND": values if len(values) > 1 else values[0]} if values else {}
    return replace(ALONE, properties=friends | fields)


def marked(sample: Entity, mark: Unknown = HIDDEN) -> Entity:
    return replace(sample, unknown=(mark,))


def stored(instance: Instance) -> Entity:
    return instance.entities()[Kind.SAMPLE, ALONE.perm_id]


def changed(instance: Instance, listed: Entity, *others: Entity) -> list[str]:
    """The perm ids of the samples that a list changes; afterwards it is applied."""
    with completing(instance, [a_space(), *(others or WELLS), listed]) as connection:
        found = [one.perm_id for one in planned(connection, Action.CHANGED)]
        for kind in (Kind.SPACE, Kind.SAMPLE):
            apply_kind(connection, kind, "DS1", ORIGINAL_STAMPS)
    return found


TEXTS = ("b", "a, b", "", 'ünïcode "<&>\\', "b")


def test_several_values_are_stored_and_read_in_their_order(instance: Instance) -> None:
    sample = with_values(SEVEN, EIGHT, TAGS=TEXTS, ONE="1")
    harvest(instance, a_space(), *WELLS, sample)
    assert stored(instance) == sample
    (text,) = instance.rows(f"SELECT properties FROM entity WHERE perm_id = '{sample.perm_id}'")  # noqa: S608
    assert str(text[0]).startswith(f'{{"FRIEND":["{SEVEN}","{EIGHT}"],"ONE":"1","TAGS":["b",')
    with instance.engine.connect() as connection:
        everything = within(entity_table, frozenset({Code("ALPHA")}), frozenset())
        assert list(texts_containing(connection, everything, "a, b")) == ["a, b"]


@pytest.mark.parametrize(
    "values", [("a", "b"), ("b", "a", "a"), ("b", "c"), ("b",), ("b", "a", "c"), ("a", "b", "a")]
)
def test_what_differs_in_order_number_or_one_value_differs(
    instance: Instance, values: Sequence[str]
) -> None:
    before, now = with_values("b", "a"), with_values(*values)
    harvest(instance, a_space(), *WELLS, before)
    assert changed(instance, before) == []
    assert changed(instance, now) == [now.perm_id]
    assert stored(instance).properties == now.properties
    assert changed(instance, now) == []


def test_the_hash_of_one_value_is_what_it_was() -> None:
    """So that nothing that was harvested before counts as changed."""
    sample = with_values(NOTES="n", EMPTY="")
    assert properties_text(sample.properties) == '{"EMPTY":"","NOTES":"n"}'
    assert content_hash(sample, properties_text(sample.properties)).hex() == (
        "0c2788d9bea2ee7b9efe142577a77507"
    )


def test_a_nul_in_one_of_several_values_is_refused() -> None:
    with pytest.raises(ItemError, match=r"U\+0000"):
        entity_row(with_values("a", "b\0"))
    assert entity_row(with_values("a", "b\\u0000"))


@pytest.mark.parametrize(
    ("here", "listed", "then", "left"),
    [
        # all but one are listed, in the order in which they are here
        ((SEVEN, "x", EIGHT), (SEVEN, EIGHT), (SEVEN, "x", EIGHT), False),
        ((SEVEN, "x"), (SEVEN,), (SEVEN, "x"), False),
        # the order of the listed ones is new, or one of them is
        ((SEVEN, "x", EIGHT), (EIGHT, SEVEN), (EIGHT, SEVEN, "x"), False),
        ((SEVEN, "x"), (SEVEN, EIGHT), (SEVEN, EIGHT, "x"), False),
        # a sample that is listed would be among the values
        ((SEVEN, "x", EIGHT), (SEVEN,), (SEVEN, "x"), False),
        (("x", EIGHT), (NINE,), (NINE, "x"), False),
        # the hidden one never came
        ((SEVEN, EIGHT), (SEVEN, EIGHT), (SEVEN, EIGHT), True),
        ((SEVEN, EIGHT), (SEVEN,), (SEVEN,), True),
        ((), (SEVEN,), (SEVEN,), True),
        # none is listed
        ((SEVEN, "x"), (), (SEVEN, "x"), False),
        (("x", "y", "x"), (), ("x", "y", "x"), False),
        (("x", "y", "x"), ("x",), ("x", "y", "x"), False),
    ],
)
def test_a_hidden_value_stays_beside_those_that_are_listed(
    instance: Instance,
    here: tuple[str, ...],
    listed: tuple[str, ...],
    then: tuple[str, ...],
    left: bool,  # noqa: FBT001
) -> None:
    harvest(instance, a_space(), *WELLS, with_values(*here, NOTES="n"))
    now = marked(with_values(*listed, NOTES="n"))
    expected = with_values(*then, NOTES="n")
    changed(instance, now)
    assert stored(instance).properties == expected.properties
    assert stored(instance).unknown == ((HIDDEN,) if left else ())
    assert changed(instance, now) == []


def test_what_is_hidden_for_another_reason_stays_also_if_its_sample_is_listed(
    instance: Instance,
) -> None:
    harvest(instance, a_space(), *WELLS, with_values(SEVEN, EIGHT))
    other = replace(HIDDEN, reason=Reason.OTHER)
    assert changed(instance, marked(with_values(SEVEN), other)) == []


def test_the_mark_of_an_older_source_keeps_all_values(instance: Instance) -> None:
    mark = replace(HIDDEN, reason=Reason.SEVERAL_VALUES)
    harvest(instance, a_space(), *WELLS, with_values(SEVEN, EIGHT))
    changed(instance, marked(with_values(), mark))
    assert stored(instance) == marked(with_values(SEVEN, EIGHT), mark)
    changed(instance, with_values(EIGHT, SEVEN))
    assert stored(instance) == with_values(EIGHT, SEVEN)


@pytest.mark.parametrize(
    ("here", "listed", "then"),
    [
        ((SEVEN, EIGHT, NINE), (SEVEN, NINE), (SEVEN, EIGHT, NINE)),
        ((SEVEN, EIGHT), (SEVEN,), (SEVEN, EIGHT)),
        ((EIGHT, EIGHT), (), (EIGHT, EIGHT)),
        ((EIGHT, SEVEN), (NINE,), (NINE, EIGHT)),
        # one instead of another
        ((EIGHT,), (SEVEN,), (SEVEN,)),
    ],
)
def test_a_value_stays_as_long_as_the_sample_that_it_names(
    instance: Instance,
    here: tuple[str, ...],
    listed: tuple[str, ...],
    then: tuple[str, ...],
) -> None:
    """The sample EIGHT is not listed any more; nothing says why."""
    harvest(instance, a_space(), *WELLS, with_values(*here))
    left = [WELLS[0], WELLS[2]]
    changed(instance, with_values(*listed, NOTES="new"), *left)
    assert stored(instance).properties == with_values(*then, NOTES="new").properties
    assert changed(instance, with_values(*listed, NOTES="new"), *left) == []


def test_values_out_of_the_scope_drop_out_one_by_one(instance: Instance) -> None:
    beta = a_sample(20, space="BETA", code="B")
    friends = (SEVEN, beta.perm_id, "never came", SEVEN)
    harvest(instance, a_space(), a_space("BETA"), *WELLS, beta, with_values(*friends, A="a", Z="z"))

    def shown(*spaces: str) -> Entity:
        with instance.engine.connect() as connection:
            codes = frozenset({Code("FRIEND")})
            reader = Reader(connection, frozenset(map(Code, spaces)), sample_properties=codes)
            return {e.perm_id: e for e in reader.entities(Kind.SAMPLE)}[ALONE.perm_id]

    assert shown("ALPHA", "BETA") == with_values(SEVEN, beta.perm_id, SEVEN, A="a", Z="z")
    assert shown("ALPHA") == marked(with_values(SEVEN, SEVEN, A="a", Z="z"))
    assert list(shown("ALPHA").properties) == ["A", "FRIEND", "Z"]
    harvest(instance, a_space(), a_space("BETA"), *WELLS, beta, with_values(SEVEN, beta.perm_id))
    assert shown("ALPHA") == marked(with_values(SEVEN))
    harvest(instance, a_space(), a_space("BETA"), *WELLS, beta, with_values("x", beta.perm_id))
    assert shown("ALPHA") == marked(with_values())
    harvest(instance, a_space(), a_space("BETA"), *WELLS, beta, with_values(SEVEN, "x"))
    assert shown("ALPHA") == with_values(SEVEN)


def test_what_a_list_lacks_is_counted_with_repetitions() -> None:
    assert unlisted(("a", "b"), ("b", "a", "b")) == ["b"]
    assert unlisted("a", "a") == []
    assert unlisted((), "") == [""]
    assert with_kept(("b", "a"), ("a", "x", "b", "b"), {"x"}) == ("b", "a", "x")
    assert with_kept((), "", {""}) == ""
    assert perm_id(7) == SEVEN
