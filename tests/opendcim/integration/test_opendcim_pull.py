"""What a run makes of an openDCIM, and above all what it leaves alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from opendcim.records.records import CduDetails, Manufacturer, Port, SensorDetails, Slot
from tests.opendcim.opendcim_repository import a_repository, cdu, chassis, sensor, server
from tests.opendcim.opendcim_sites import FLAGS, Site

SUBSCRIBED = "insert into fac_Manufacturer values (1, 'hpe', 0, 1)"
MODELS = "select Model from fac_DeviceTemplate order by 1"


@pytest.fixture
def subscribed(dcim: Site) -> Site:
    dcim.execute_sql(SUBSCRIBED)
    return dcim


def test_all_kinds_of_devices_come_with_all_their_parts(subscribed: Site) -> None:
    with a_repository(server(), chassis(), cdu(), sensor()) as repository:
        subscribed.repository(repository.base)
        report = subscribed.sync()
    assert report.last_line.startswith("OK")
    assert subscribed.rows(MODELS) == [("AP7841",), ("AP9335T",), ("DL380 Gen9",), ("c7000",)]
    assert subscribed.rows("select OID1, Voltage from fac_CDUTemplate") == [("1.3.6.1", 208)]
    assert subscribed.rows("select TempMultiplier, mUnits from fac_SensorTemplate") == [
        (0.1, "metric")
    ]
    assert subscribed.rows("select count(*) from fac_Slots") == [(2,)]
    assert subscribed.rows("select count(*) from fac_TemplatePorts") == [(8,)]
    assert subscribed.rows("select count(*) from fac_TemplatePowerPorts") == [(8,)]


def test_the_dry_run_shows_the_plan_and_changes_nothing(subscribed: Site) -> None:
    before = subscribed.all_rows()
    with a_repository(server(), chassis()) as repository:
        subscribed.repository(repository.base)
        result = subscribed.run("--dry-run")
    assert result.code == 0
    assert "manufacturer 'hpe': Name: 'hpe' -> 'HPE'" in result.output
    assert "HPE/DL380 Gen9: new, GlobalID 1" in result.output
    assert "HPE/c7000: front slot 2: X: (none) -> 5" in result.output
    assert "OK: the dry run found no error; nothing was changed" in result.output
    assert subscribed.all_rows() == before


def test_the_rehearsal_counts_what_the_real_pass_does(subscribed: Site) -> None:
    with a_repository(server(), chassis(), cdu(), sensor()) as repository:
        subscribed.repository(repository.base)
        report = subscribed.sync()
    rehearsed, real = report.passes
    assert rehearsed.counts == real.counts


def test_later_corrections_arrive(subscribed: Site) -> None:
    with a_repository(server()) as repository:
        subscribed.repository(repository.base)
        subscribed.sync()
        repository.templates = [server(wattage=999, ports=(Port(number=1, label="LAN"),))]
        subscribed.sync()
    assert subscribed.rows("select Wattage, KeepLocal from fac_DeviceTemplate") == [(999, 0)]
    labels = "select PortNumber, Label from fac_TemplatePorts order by 1"
    assert subscribed.rows(labels) == [(1, "LAN"), (2, "NIC2")]  # of which it says nothing


def test_new_templates_are_kept_local_where_that_is_the_default(subscribed: Site) -> None:
    with a_repository(server()) as repository:
        subscribed.repository(repository.base, keep_local_default="true")
        subscribed.sync()
        repository.templates = [server(wattage=999)]
        report = subscribed.sync()
    assert subscribed.rows("select Wattage, KeepLocal from fac_DeviceTemplate") == [(500, 1)]
    assert "left alone" in report.last_line


def test_local_fields_of_templates_and_ports_survive(subscribed: Site) -> None:
    with a_repository(server()) as repository:
        subscribed.repository(repository.base)
        subscribed.sync()
        subscribed.execute_sql(
            "update fac_DeviceTemplate set Notes = 'rack it low'",
            "update fac_TemplatePorts set MediaID = 3, ColorID = 4, Notes = 'uplink'",
            "update fac_TemplatePowerPorts set Notes = 'feed A'",
        )
        renamed = (Port(number=1, label="LAN1"), Port(number=2, label="NIC2"))
        repository.templates = [server(wattage=999, ports=renamed)]
        subscribed.sync()
    assert subscribed.rows("select Notes, Wattage from fac_DeviceTemplate") == [
        ("rack it low", 999)
    ]
    assert subscribed.rows("select Label, MediaID, ColorID, Notes from fac_TemplatePorts") == [
        ("LAN1", 3, 4, "uplink"),
        ("NIC2", 3, 4, "uplink"),
    ]
    assert set(subscribed.rows("select Notes from fac_TemplatePowerPorts")) == {("feed A",)}


def test_ports_beyond_the_number_that_the_repository_counts_go(subscribed: Site) -> None:
    with a_repository(server()) as repository:
        subscribed.repository(repository.base)
        subscribed.sync()
        repository.templates = [server(num_ports=1, ports=(Port(number=1, label="NIC1"),))]
        subscribed.sync()
    assert subscribed.rows("select PortNumber from fac_TemplatePorts") == [(1,)]


def test_slots_come_and_go_with_the_repository(subscribed: Site) -> None:
    with a_repository(chassis()) as repository:
        subscribed.repository(repository.base)
        subscribed.sync()
        slots = (Slot(position=2, x=9, y=9, w=9, h=9), Slot(position=1, back_side=1, x=1))
        repository.templates = [chassis(slots=slots, chassis_slots=1, rear_chassis_slots=1)]
        subscribed.sync()
    assert subscribed.rows("select Position, BackSide, X from fac_Slots order by 2") == [
        (2, 0, 9),
        (1, 1, 1),
    ]


def test_details_that_were_never_submitted_do_not_wipe_good_ones(subscribed: Site) -> None:
    with a_repository(cdu(), sensor()) as repository:
        subscribed.repository(repository.base)
        subscribed.sync()
        repository.templates = [cdu(cdu=None, wattage=1), sensor(sensor=None, wattage=1)]
        subscribed.sync()
    assert subscribed.rows("select OID1 from fac_CDUTemplate") == [("1.3.6.1",)]
    assert subscribed.rows("select TemperatureOID from fac_SensorTemplate") == [("1.3.6.2",)]
    assert set(subscribed.rows("select Wattage from fac_DeviceTemplate")) == {(1,)}


def test_a_device_that_is_no_cdu_any_more_loses_its_details(subscribed: Site) -> None:
    with a_repository(cdu()) as repository:
        subscribed.repository(repository.base)
        subscribed.sync()
        repository.templates = [cdu(device_type="Sensor", cdu=None, sensor=SensorDetails())]
        subscribed.sync()
    assert subscribed.rows("select count(*) from fac_CDUTemplate") == [(0,)]
    assert subscribed.rows("select Model, mUnits from fac_SensorTemplate") == [
        ("AP7841", "english")
    ]


def test_a_local_outlet_count_of_a_cdu_survives(subscribed: Site) -> None:
    with a_repository(cdu()) as repository:
        subscribed.repository(repository.base)
        subscribed.sync()
        subscribed.execute_sql("update fac_CDUTemplate set NumOutlets = 24, OutletNameOID = '1.9'")
        repository.templates = [cdu(cdu=replace(_details(), voltage=400))]
        subscribed.sync()
    assert subscribed.rows("select NumOutlets, OutletNameOID, Voltage from fac_CDUTemplate") == [
        (24, "1.9", 400)
    ]


def _details() -> CduDetails:
    found = cdu().cdu
    assert found
    return found


def test_manufacturers_that_are_not_subscribed_are_not_even_asked_for(subscribed: Site) -> None:
    other = Manufacturer(manufacturer_id=2, name="Dell")
    with a_repository(server()) as repository:
        repository.manufacturers.append(other)
        subscribed.repository(repository.base)
        subscribed.sync()
        assert repository.count("GET", "/api/template/bymanufacturer/2") == 0
    query = "select Name, SubscribeToUpdates from fac_Manufacturer order by 1"
    assert subscribed.rows(query) == [("Dell", 0), ("HPE", 1)]


def test_a_name_that_would_stand_twice_is_left_to_a_person(dcim: Site) -> None:
    dcim.execute_sql(
        "insert into fac_Manufacturer values (1, 'Compaq', 1, 1)",
        "insert into fac_Manufacturer values (2, 'hpe', 0, 0)",
    )
    with a_repository(server()) as repository:
        dcim.repository(repository.base)
        report = dcim.sync()
    assert report.exit_code == 7
    assert "cannot be renamed to 'HPE', since ManufacturerID 2 has that name" in str(
        report.failed[0]
    )
    assert dcim.rows("select Name from fac_Manufacturer") == [("Compaq",), ("hpe",)]
    assert dcim.rows(MODELS) == [("DL380 Gen9",)]  # it is linked and subscribed all the same


def test_two_local_templates_for_one_are_left_to_a_person(subscribed: Site) -> None:
    with a_repository(server()) as repository:
        subscribed.repository(repository.base)
        subscribed.sync()
        subscribed.execute_sql("update fac_DeviceTemplate set Model = 'Old name'")
        subscribed.execute_sql(
            "insert into fac_DeviceTemplate (ManufacturerID, Model, Height, Weight, Wattage,"
            " PSCount, NumPorts, Notes, FrontPictureFile, RearPictureFile, ChassisSlots,"
            " RearChassisSlots) values (1, 'dl380 gen9', 1, 1, 1, 1, 1, '', '', '', 0, 0)"
        )
        report = subscribed.sync()
    assert "cannot be renamed since TemplateID 2 has that model" in str(report.failed[0])
    assert subscribed.rows(MODELS) == [("Old name",), ("dl380 gen9",)]


def test_one_bad_template_does_not_stop_the_others(subscribed: Site) -> None:
    long = server(1, "X" * 81)
    odd = server(2, "Odd", ports=(Port(number=1, label="Y" * 41),))
    with a_repository(long, odd, server(3, "Good")) as repository:
        subscribed.repository(repository.base)
        report = subscribed.sync()
    assert report.exit_code == 7
    assert subscribed.rows(MODELS) == [("Good",)]
    reasons = " ".join(subscribed.reasons(report))
    assert "longer than the 80 characters" in reasons
    assert "the column Label of fac_TemplatePorts" in reasons
    shown = subscribed.command("show", str(report.run)).output
    assert "the column Label of fac_TemplatePorts" in shown


def test_names_are_stored_harmless_as_opendcim_stores_them(subscribed: Site) -> None:
    with a_repository(server(model='19" <b>&')) as repository:
        subscribed.repository(repository.base)
        subscribed.sync()
        report = subscribed.sync()
    assert subscribed.rows(MODELS) == [("19&#34; &#38;",)]
    assert report.last_line.startswith("OK: nothing to do")


def test_templates_that_vanished_at_the_repository_stay_and_are_named(subscribed: Site) -> None:
    with a_repository(server(), chassis()) as repository:
        subscribed.repository(repository.base)
        subscribed.sync()
        repository.templates = [server()]
        report = subscribed.sync()
    assert report.exit_code == 0
    assert len(subscribed.rows(MODELS)) == 2
    assert "HPE: no longer at the repository, and kept: c7000" in subscribed.dcim_log()


def test_an_opendcim_without_flags_is_told_what_to_set_instead(subscribed: Site) -> None:
    subscribed.create(without=FLAGS)
    subscribed.execute_sql("update fac_Manufacturer set SubscribeToUpdates = 0")
    with a_repository(server(), chassis()) as repository:
        subscribed.repository(
            repository.base, subscribe="HPE", keep_local="hpe/C7000", share="HPE/Nothing"
        )
        subscribed.sync()
        repository.templates = [server(wattage=1), chassis(wattage=1)]
        report = subscribed.sync()
    assert report.exit_code == 0
    assert subscribed.rows("select Model, Wattage from fac_DeviceTemplate order by 1") == [
        ("DL380 Gen9", 1),
        ("c7000", 500),  # it was new the first time
    ]
    assert "cannot mark templates as kept local; name them in the key keep-local" in (
        subscribed.dcim_log()
    )


def test_weights_are_converted_once_and_stay(subscribed: Site) -> None:
    subscribed.execute_sql("update fac_Config set Value = 'metric'")
    with a_repository(server(weight=51)) as repository:
        subscribed.repository(repository.base)
        subscribed.sync()
        report = subscribed.sync()
    assert subscribed.rows("select Weight from fac_DeviceTemplate") == [(23,)]
    assert report.last_line.startswith("OK: nothing to do")


def test_the_audit_log_of_opendcim_tells_what_was_changed(subscribed: Site) -> None:
    with a_repository(server()) as repository:
        subscribed.repository(repository.base)
        subscribed.sync()
    log = subscribed.rows("select UserID, Class, Property, OldVal, NewVal from fac_GenericLog")
    assert ("openbis-sync", "Manufacturer", "Name", "hpe", "HPE") in log
    assert ("openbis-sync", "DeviceTemplate", "Wattage", "", "500") in log


def test_a_database_that_is_no_opendcim_is_named(subscribed: Site) -> None:
    subscribed.execute_sql("drop table fac_Slots")
    subscribed.repository("http://127.0.0.1:9")
    report = subscribed.sync()
    assert report.exit_code == 2
    assert "is no openDCIM: it lacks fac_Slots" in str(report.error)
