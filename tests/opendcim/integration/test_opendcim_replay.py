"""Our client against the real repository's recorded answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from opendcim.records.reading import read_submission
from tests.opendcim.opendcim_recordings import (
    counted,
    recorded_requests,
    replayed,
    uploaded_picture,
)
from tests.opendcim.opendcim_sites import Site

# Of 2017: it has no ``PUT /template``.
OLD_SERVER = "sync-4.2/01-*.raw.txt"
NEW_SERVER = "sync-4.2/03-*.raw.txt"
PICTURE = "repo/38-picture-download.txt"


@pytest.fixture
def site(tmp_path: Path, one_authority: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("SSL_CERT_FILE", str(one_authority))
    site = Site(tmp_path / "site")
    site.start_state()
    yield site
    site.close()


def test_manufacturers_get_ids_and_names_and_no_subscription_leaks(site: Site) -> None:
    with replayed(OLD_SERVER) as replay:
        site.repository(replay.base, api_key="", api_user_id="")
        site.sync()
    assert site.rows(
        "select ManufacturerID, Name, GlobalID, SubscribeToUpdates from fac_Manufacturer order by 1"
    ) == [
        (10, "HPE", 1, 1),
        (11, "Dell, Inc.", 0, 0),
        (12, "APC", 4, 1),
        (13, "LocalOnly GmbH", 0, 0),
        (14, "AT&#38;T", 2, 0),
        (15, "Dell", 3, 0),
        (16, "Cisco Systems", 5, 0),
    ]
    paths = {path for _, path in replay.asked if path.startswith("/api/template")}
    assert paths == {f"/api/template/bymanufacturer/{number}" for number in (1, 4)}


def test_everything_is_pulled_cdu_sensor_and_all_slots(site: Site) -> None:
    with replayed(OLD_SERVER) as replay:
        site.repository(replay.base, api_key="", api_user_id="")
        site.sync()
    assert site.rows(
        "select OID1, ProcessingProfile, Voltage, Amperage, NumOutlets, Model from fac_CDUTemplate"
        " where TemplateID = 100"
    ) == [("1.3.6.1.4.1.318.1", "SingleOIDWatts", 208, 30, 8, "AP7841")]
    assert site.rows(
        "select Model, TemperatureOID, HumidityOID, TempMultiplier, mUnits from fac_SensorTemplate"
    ) == [("AP9335T", "1.3.6.1.4.1.318.2", "1.3.6.1.4.1.318.3", 0.1, "metric")]
    assert site.rows(
        "select Position, BackSide, X, Y, W, H from fac_Slots where TemplateID = 102 order by 2, 1"
    ) == [(1, 0, 10, 20, 30, 40), (2, 0, 50, 20, 30, 40), (1, 1, 5, 5, 9, 9)]


def test_local_notes_stay_and_what_is_kept_local_is_left_alone(site: Site) -> None:
    before = site.picture_files()
    with replayed(OLD_SERVER) as replay:
        site.repository(replay.base, api_key="", api_user_id="")
        report = site.sync()
    assert site.rows(
        "select Model, Wattage, Notes from fac_DeviceTemplate where TemplateID<102"
    ) == [
        ("AP7841", 500, "my local note"),
        ("dl380 gen9", 111, "kept local"),
    ]
    assert site.rows(
        "select Label, MediaID, Notes from fac_TemplatePorts where TemplateID=101"
    ) == [("mine", 3, "n")]
    assert "kept as they are here (KeepLocal): HPE/dl380 gen9" in site.dcim_log()
    assert not any(path.endswith(".png") for _, path in replay.asked)
    assert site.picture_files() == before
    assert report.exit_code == 0


def test_nothing_is_to_be_done_when_the_same_answers_come_again(site: Site) -> None:
    with replayed(OLD_SERVER) as replay:
        site.repository(replay.base, api_key="", api_user_id="")
        site.sync()
        rows = site.all_rows()
        report = site.sync()
    assert report.last_line.startswith("OK: nothing to do")
    assert site.all_rows() == rows


def test_a_repository_that_takes_no_submissions_is_told_of_each_time(site: Site) -> None:
    with replayed(OLD_SERVER) as replay:
        site.repository(replay.base)
        report = site.sync()
    assert report.exit_code == 7
    assert [error.perm_id for error in report.failed] == ["ML350 no picture", "DL20 with picture"]
    assert all("404" in error.reason for error in report.failed)
    shared = "select TemplateID from fac_DeviceTemplate where ShareToRepo = 1 order by 1"
    assert site.rows(shared) == [(103,), (104,), (105,)]


def test_templates_are_submitted_as_json_where_there_is_no_form_and_only_once(site: Site) -> None:
    site.put_picture("dl20.png", uploaded_picture())
    with replayed(NEW_SERVER) as replay:
        site.repository(replay.base)
        reports = [site.sync(), site.sync()]
    assert [report.exit_code for report in reports] == [0, 0]
    numbers = counted(replay)
    assert numbers["PUT", "/api/template"] == 2
    assert numbers["POST", "/api/template/addpictures/7"] == 1
    shared = "select TemplateID from fac_DeviceTemplate where ShareToRepo = 1"
    assert site.rows(shared) == [(104,)]  # its manufacturer is unknown to the repository


def test_what_is_submitted_says_the_same_as_the_real_client(site: Site) -> None:
    with replayed(NEW_SERVER) as replay:
        site.repository(replay.base)
        site.sync()
    ours = [json.loads(body) for body in replay.bodies if body.startswith(b"{")]
    theirs = [json.loads(one) for one in recorded_requests("PUT", "sync-4.2/03-*.raw.txt")]
    for mine, recorded in zip(ours, theirs[:2], strict=True):
        assert read_submission(mine) == read_submission(recorded)
