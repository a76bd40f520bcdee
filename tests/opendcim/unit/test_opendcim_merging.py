"""What a local template becomes: the repository's word where it has one, ours everywhere else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opendcim.records.records import CduDetails, Manufacturer, Port, SensorDetails, Slot, Template
from opendcim.sync.installation.comparing import differences
from opendcim.sync.installation.installed import LocalManufacturer
from opendcim.sync.installation.weights import local_weight, pounds_of
from opendcim.sync.section import Units
from opendcim.sync.steps.manufacturers import planned
from opendcim.sync.steps.merging import merged
from tests.opendcim.opendcim_repository import cdu, chassis, sensor, server

INCH, METRIC = Units.INCH_POUND, Units.METRIC
UNITS = st.sampled_from(Units)
WEIGHTS = st.integers(0, 2_000_000)


@given(WEIGHTS, UNITS)
def test_a_weight_that_went_there_and_back_stays(weight: int, units: Units) -> None:
    assert local_weight(pounds_of(weight, units), units) == weight


@given(WEIGHTS, UNITS)
def test_a_published_weight_does_not_drift_when_it_is_shared_again(
    pounds: int, units: Units
) -> None:
    local = local_weight(pounds, units)
    assert pounds_of(local, units, published=pounds) == pounds
    assert local_weight(pounds_of(local, units), units) == local


def test_a_weight_that_was_changed_here_is_converted() -> None:
    assert pounds_of(30, METRIC, published=51) == 66


@given(
    st.lists(st.sampled_from([server(), chassis(), cdu(), sensor()]), min_size=1, max_size=4),
    UNITS,
)
def test_taking_the_same_over_again_changes_nothing(theirs: list[Template], units: Units) -> None:
    mine: Template | None = None
    for one in theirs:
        mine = merged(mine, replace(one, template_id=1), units)
    assert mine is not None
    assert differences(mine, merged(mine, replace(theirs[-1], template_id=1), units)) == []


def test_a_new_sensor_or_cdu_without_details_gets_what_opendcim_begins_with() -> None:
    new = merged(None, sensor(sensor=None), INCH)
    assert new.sensor
    assert (new.sensor.temp_multiplier, new.sensor.m_units) == ("1", "english")
    assert merged(None, cdu(cdu=None), INCH).cdu == CduDetails(
        multiplier="1", processing_profile="SingleOIDWatts"
    )


def test_what_the_repository_leaves_empty_of_details_stays() -> None:
    mine = merged(None, sensor(), INCH)
    theirs = sensor(sensor=SensorDetails(temperature_oid="9"))
    after = merged(mine, theirs, INCH).sensor
    assert after == SensorDetails(
        temperature_oid="9", temp_multiplier="0.1", humidity_multiplier="1", m_units="metric"
    )


def test_slots_that_are_counted_but_not_there_stay() -> None:
    mine = merged(None, chassis(), INCH)
    assert merged(mine, chassis(slots=()), INCH).slots == mine.slots
    assert merged(mine, chassis(slots=(), chassis_slots=0), INCH).slots == ()


def test_changes_name_part_and_field_with_old_and_new() -> None:
    mine = merged(None, chassis(), INCH)
    theirs = chassis(wattage=7, slots=(Slot(position=1, x=1, y=2, w=3, h=9),), chassis_slots=1)
    told = [str(change) for change in differences(mine, merged(mine, theirs, INCH))]
    assert told == [
        "Wattage: 500 -> 7",
        "ChassisSlots: 2 -> 1",
        "front slot 1: H: 4 -> 9",
        "front slot 2: X: 5 -> (none)",
        "front slot 2: Y: 6 -> (none)",
        "front slot 2: W: 7 -> (none)",
        "front slot 2: H: 8 -> (none)",
    ]


def test_a_port_without_a_label_comes_and_counts_as_a_change() -> None:
    mine = merged(None, server(ports=()), INCH)
    after = merged(mine, server(ports=(Port(number=1),)), INCH)
    assert [port.number for port in after.ports] == [1]
    assert differences(mine, after) != []


def local(number: int, name: str, global_id: int = 0) -> LocalManufacturer:
    return LocalManufacturer(
        manufacturer_id=number, name=name, global_id=global_id, subscribed=False
    )


def theirs(number: int, name: str) -> Manufacturer:
    return Manufacturer(manufacturer_id=number, name=name)


def test_manufacturers_match_by_id_before_they_match_by_name() -> None:
    links = list(
        planned([local(1, "Compaq", 5), local(2, "DELL")], [theirs(5, "HPE"), theirs(6, "Dell")])
    )
    assert [(link.local.manufacturer_id if link.local else None) for link in links] == [1, 2]
    assert not any(link.clash for link in links)


def test_punctuation_makes_another_manufacturer() -> None:
    (link,) = planned([local(1, "Dell, Inc.")], [theirs(6, "Dell")])
    assert (link.local, link.clash) == (None, None)


@pytest.mark.parametrize("names", [("HPE", "hpe"), ("Café", "CAFE\u0301")])
def test_a_name_that_the_repository_has_twice_is_taken_once(names: tuple[str, str]) -> None:
    links = list(planned([], [theirs(1, names[0]), theirs(2, names[1])]))
    assert links[0].clash is None
    assert "the repository has the name twice" in (links[1].clash or "")


def test_a_link_to_a_manufacturer_that_is_gone_is_made_anew() -> None:
    (link,) = planned([local(1, "HPE", 99)], [theirs(1, "HPE")])
    assert link.local
    assert link.clash is None


def test_two_that_change_names_with_each_other_are_no_clash_after_the_first_is_renamed() -> None:
    here = [local(1, "A", 1), local(2, "B", 2)]
    links = list(planned(here, [theirs(1, "C"), theirs(2, "A")]))
    assert [link.clash for link in links] == [None, None]
