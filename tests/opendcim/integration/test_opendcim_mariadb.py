"""What only a real MariaDB tells: rollback, strictness, lists of values, auto-increments."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from opendcim.records.records import Port
from tests.opendcim.opendcim_recordings import replayed
from tests.opendcim.opendcim_repository import a_repository, cdu, chassis, sensor, server
from tests.opendcim.opendcim_sites import START, Site, a_picture

SUBSCRIBED = "insert into fac_Manufacturer values (1, 'hpe', 0, 1)"


@pytest.fixture
def site(
    tmp_path: Path, mariadb_url: str, one_authority: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Site]:
    monkeypatch.setenv("SSL_CERT_FILE", str(one_authority))
    site = Site(tmp_path / "site", mariadb_url)
    site.create()
    yield site
    site.close()


def test_a_dry_run_leaves_no_row(site: Site) -> None:
    site.execute_sql(SUBSCRIBED)
    before = site.all_rows()
    with a_repository(server(), chassis(), cdu(), sensor()) as repository:
        site.repository(repository.base)
        assert site.run("--dry-run").code == 0
    assert site.all_rows() == before


def test_all_kinds_of_devices_come_and_come_again_unchanged(site: Site) -> None:
    site.execute_sql(SUBSCRIBED)
    with a_repository(server(), chassis(), cdu(), sensor()) as repository:
        site.repository(repository.base)
        first, second = site.sync(), site.sync()
    assert first.last_line == "OK: everything is done, source and destination agree"
    assert second.last_line == "OK: nothing to do, source and destination agree"
    assert site.rows("select TempMultiplier, mUnits from fac_SensorTemplate") == [(0.1, "metric")]


def test_values_that_the_database_does_not_take_are_that_templates_failure(site: Site) -> None:
    site.execute_sql(SUBSCRIBED)
    toaster = server(1, "Toaster", device_type="Toaster")
    long = server(2, "Long", ports=(Port(number=1, label="Y" * 41),))
    with a_repository(toaster, long, server(3, "Good")) as repository:
        site.repository(repository.base)
        report = site.sync()
    assert site.rows("select Model from fac_DeviceTemplate") == [("Good",)]
    assert [error.perm_id for error in report.failed] == ["Toaster", "Long"]
    assert "is none of Server, Appliance" in str(report.failed[0])


def test_tables_that_cannot_roll_back_are_refused(site: Site) -> None:
    site.execute_sql("alter table fac_Slots engine = MyISAM")
    site.repository("http://127.0.0.1:9")
    report = site.sync()
    assert report.exit_code == 2
    assert "fac_Slots are not of the engine InnoDB" in str(report.error)


def test_a_wrong_password_is_told_without_showing_it(site: Site, mariadb_url: str) -> None:
    site.repository(
        "http://127.0.0.1:9", opendcim_database_url=mariadb_url.replace("root@", "root:s3cr3t@")
    )
    report = site.sync()
    assert report.exit_code == 2
    assert "Access denied" in str(report.error)
    assert "s3cr3t" not in str(report.error) + site.dcim_log()


def test_the_recorded_run_ends_alike(site: Site) -> None:
    site.execute_sql(*START.split(";\n"))
    site.put_picture("dl20.png", a_picture())
    with replayed("sync-4.2/01-*.raw.txt") as replay:
        site.repository(replay.base, api_key="", api_user_id="")
        assert site.sync().exit_code == 0
    assert site.rows("select Name, GlobalID, SubscribeToUpdates from fac_Manufacturer") == [
        ("HPE", 1, 1),
        ("Dell, Inc.", 0, 0),
        ("APC", 4, 1),
        ("LocalOnly GmbH", 0, 0),
        ("AT&#38;T", 2, 0),
        ("Dell", 3, 0),
        ("Cisco Systems", 5, 0),
    ]
    assert site.rows("select count(*) from fac_Slots") == [(3,)]
