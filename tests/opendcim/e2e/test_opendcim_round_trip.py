"""Templates from one openDCIM to another: by our repository, real processes, and real databases."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.opendcim.opendcim_server import RepositoryServer, a_repository_server
from tests.opendcim.opendcim_sites import Site, a_picture
from tests.support.processes.browser import CHROMIUM, chromium

FRONT, REAR = a_picture("red"), a_picture("blue", kind="JPEG")
TEMPLATE = (
    "insert into fac_DeviceTemplate (TemplateID, ManufacturerID, Model, Height, Weight, Wattage,"
    " DeviceType, PSCount, NumPorts, Notes, FrontPictureFile, RearPictureFile, ChassisSlots,"
    " RearChassisSlots, SNMPVersion, GlobalID, ShareToRepo, KeepLocal) values"
    " ({0}, 1, '{1}', 2, 51, 500, '{2}', 2, 2, 'ours', '{3}', '{4}', {5}, 0, '2c', 0, 1, 0)"
)
MADE_HERE = (
    (
        "insert into fac_Manufacturer (ManufacturerID, Name, GlobalID, SubscribeToUpdates) values"
        " (1, 'hpe', 0, 0)"
    ),
    TEMPLATE.format(1, "DL380 Gen9", "Server", "dl380.png", "back.jpg", 0),
    TEMPLATE.format(2, "c7000", "Chassis", "", "", 2),
    TEMPLATE.format(3, "AP7841", "CDU", "", "", 0),
    TEMPLATE.format(4, "AP9335T", "Sensor", "", "", 0),
    (
        "insert into fac_TemplatePorts values (1, 1, 'NIC &#34;1&#34;', 1, 2, 'x'),"
        " (1, 2, 'NIC2', 0, 0, '')"
    ),
    "insert into fac_TemplatePowerPorts values (1, 1, 'PSU1', '')",
    "insert into fac_Slots values (2, 1, 0, 1, 2, 3, 4), (2, 2, 0, 5, 6, 7, 8)",
    (
        "insert into fac_CDUTemplate values (3, 1, 'AP7841', 1, 0, '1.2', '', '10', '1.3.6', '',"
        " '', '', '', 'SingleOIDWatts', 208, 30, 8)"
    ),
    "insert into fac_SensorTemplate values (4, 1, 'AP9335T', '1.3.7', '1.3.8', 0.1, 1, 'metric')",
)
CONTENT = (
    (
        "select Model, Height, Weight, Wattage, DeviceType, PSCount, NumPorts, ChassisSlots,"
        " SNMPVersion from fac_DeviceTemplate order by Model"
    ),
    (
        "select Model, PortNumber, Label from fac_TemplatePorts join fac_DeviceTemplate using"
        " (TemplateID) order by 1, 2"
    ),
    (
        "select Model, PortNumber, Label from fac_TemplatePowerPorts join fac_DeviceTemplate using"
        " (TemplateID) order by 1, 2"
    ),
    "select Position, BackSide, X, Y, W, H from fac_Slots order by 1",
    "select Model, Managed, Multiplier, OID1, ProcessingProfile, Voltage from fac_CDUTemplate",
    "select Model, TemperatureOID, TempMultiplier, mUnits from fac_SensorTemplate",
)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RepositoryServer]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with a_repository_server(tmp_path / "repository", port) as server:
        yield server


@pytest.fixture(params=["sqlite", "mariadb"])
def sites(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Site, Site]]:
    """The one that has templates, and one that wants them."""
    if request.param == "mariadb":
        database = request.getfixturevalue("mariadb")
        with database.fresh() as one, database.fresh() as other:
            yield from _sites(tmp_path, one, other)
    else:
        yield from _sites(tmp_path, None, None)


def _sites(root: Path, one: str | None, other: str | None) -> Iterator[tuple[Site, Site]]:
    first, second = Site(root / "first", one), Site(root / "second", other)
    first.create()
    first.execute_sql(*MADE_HERE)
    first.put_picture("dl380.png", FRONT)
    first.put_picture("back.jpg", REAR)
    second.create()
    yield first, second
    first.close()
    second.close()


def harvested(site: Site, *options: str) -> str:
    program = site.start("run", *options)
    output = program.communicate(timeout=120)[0]
    assert program.returncode == 0, output
    return str(output)


def key_of(server: RepositoryServer, user: str) -> str:
    printed = server.command("user", "add", user)
    found = re.search(r"\b[A-Za-z0-9_\-]{20,}\b", printed)
    assert found, printed
    return found[0]


def approve(server: RepositoryServer, requests: list[str]) -> None:
    """As a moderator does in a browser; on the command line where there is none."""
    if CHROMIUM is None:
        for request in requests:
            server.command("queue", "approve", request)
        return
    key = server.command("user", "add", "admin@example.org", "--administrator").strip()
    with chromium() as browser:
        page = browser.new_page()
        page.goto(f"{server.url}/repository")
        page.get_by_label("User id").fill("admin@example.org")
        page.get_by_label("API key").fill(key)
        page.get_by_role("button", name="Sign in").click()
        for request in requests:
            page.goto(f"{server.url}/repository/requests/{request}")
            page.get_by_role("button", name="Approve and publish").click()
            expect(page.get_by_role("status")).to_contain_text("approved")


def test_templates_go_from_one_installation_to_another(
    server: RepositoryServer, sites: tuple[Site, Site]
) -> None:
    first, second = sites
    server.command("manufacturer", "add", "HPE", "AT&T")
    first.repository(
        server.url, api_user_id="first@example.org", api_key=key_of(server, "first@example.org")
    )

    plan = harvested(first, "--dry-run")
    assert "DL380 Gen9: submitted to the queue" in plan
    assert server.command("queue", "list") == ""
    harvested(first)
    assert first.rows("select count(*) from fac_DeviceTemplate where ShareToRepo = 1") == [(0,)]
    assert first.rows("select Name, GlobalID > 0 from fac_Manufacturer order by 1") == [
        ("AT&#38;T", 1),
        ("HPE", 1),
    ]
    harvested(first, "--force")
    requests = [line.split("\t")[0] for line in server.command("queue", "list").splitlines()]
    assert len(requests) == 4  # nothing was sent twice
    approve(server, requests)

    second.repository(server.url, api_key="", api_user_id="", subscribe="HPE")
    harvested(second)
    for query in CONTENT:
        assert second.rows(query) == first.rows(query)
    assert sorted(second.picture_files().values()) == sorted([FRONT, REAR])
    assert "nothing to do" in harvested(second, "--force")

    # the one that made them links them to what was published, and keeps its own notes
    first.execute_sql("update fac_Manufacturer set SubscribeToUpdates = 1 where Name = 'HPE'")
    harvested(first, "--force")
    assert set(first.rows("select Notes, GlobalID > 0 from fac_DeviceTemplate")) == {("ours", 1)}
    assert first.picture_files() == {"dl380.png": FRONT, "back.jpg": REAR}

    assert "DL380 Gen9: request 1 was approved" in first.dcim_log()

    # a correction arrives, but not where the template is kept local
    second.execute_sql("update fac_DeviceTemplate set KeepLocal = 1 where Model = 'c7000'")
    first.execute_sql("update fac_DeviceTemplate set Wattage = 999, ShareToRepo = 1")
    harvested(first, "--force")
    for line in server.command("queue", "list").splitlines():
        server.command("queue", "approve", line.split("\t")[0])
    harvested(second, "--force")
    assert set(second.rows("select Model, Wattage from fac_DeviceTemplate")) == {
        ("AP7841", 999),
        ("AP9335T", 999),
        ("c7000", 500),
        ("DL380 Gen9", 999),
    }
