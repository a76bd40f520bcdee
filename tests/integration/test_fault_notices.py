"""Who hears of settings that keep sections from being harvested."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from harvester.notices.settings_faults import WHOLE, notify_faults
from harvester.settings.chosen import choose
from harvester.settings.contacts import Contacts
from harvester.settings.harvester import HarvesterSettings, read_settings
from shared.store.engine import connect
from tests.support.instances.builders import a_space, some_master_data
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import Instance
from tests.support.processes.listening_programs import free_port
from tests.support.servers.mailbox import Box, mailbox
from tests.support.servers.web_hook import web_hook

NOWHERE = f"http://127.0.0.1:{free_port()}"
CANNOT_START = "Synchronization cannot start"
AGAIN = "Synchronization works again"


@pytest.fixture
def box(harvest: Harvest) -> Iterator[Box]:
    with mailbox() as box:
        harvest.add_properties(*box.properties)
        yield box


@pytest.fixture
def engine(harvest: Harvest) -> Iterator[Engine]:
    harvest.init()
    engine = connect(f"sqlite:///{harvest.root}/instance.db")
    yield engine
    engine.dispose()


def settings_of(harvest: Harvest) -> HarvesterSettings:
    return read_settings(harvest.root / "harvester.properties", {})


def contacts_in(harvest: Harvest) -> Mapping[str, Contacts]:
    return choose(harvest.root / "harvester.properties", None).contacts


def tell(harvest: Harvest, engine: Engine | None, day: int = 0) -> None:
    """What a daemon does when an execution begins."""
    chosen = choose(harvest.root / "harvester.properties", None)
    now = datetime(2024, 3, 5 + day, tzinfo=UTC)
    notify_faults(chosen.settings, engine, chosen.faults_of, contacts=chosen.contacts, now=now)


def test_a_faulty_section_is_told_to_its_own_operators_once_a_day(
    harvest: Harvest, engine: Engine, box: Box
) -> None:
    harvest.section("GOOD", NOWHERE, email_addresses="good@example.org")
    harvest.section(
        "BAD", NOWHERE, email_addresses="bad@example.org, b@c.org, no address", max_treads="3"
    )
    tell(harvest, engine)
    tell(harvest, engine)
    assert box.mail.recipients == [["bad@example.org"], ["b@c.org"]]
    assert box.subjects == [CANNOT_START] * 2
    assert box.mail.messages[0]["X-Openbis-Sync-Section"] == "BAD"
    body = box.bodies[0]
    assert "Section [BAD] is not harvested. The settings are wrong." in body
    assert "max-treads: there is no such key; did you mean max-threads?" in body
    assert "email-addresses: '***' is no e-mail address" in body
    assert "harvester check-config" in body
    assert "secret" not in body
    tell(harvest, engine, day=1)
    assert len(box.subjects) == 4
    harvest.section("BAD", NOWHERE, email_addresses="bad@example.org", verbose="maybe")
    tell(harvest, engine, day=1)
    assert len(box.subjects) == 5


def test_a_section_that_names_nobody_is_told_to_all_others(
    harvest: Harvest, engine: Engine, box: Box
) -> None:
    harvest.section("ONE", NOWHERE, email_addresses="a@example.org, b@example.org")
    harvest.section("TWO", NOWHERE, email_addresses="b@example.org")
    harvest.section("BAD", NOWHERE, max_treads="3")
    tell(harvest, engine)
    assert box.mail.recipients == [["a@example.org"], ["b@example.org"]]


def test_the_next_success_of_a_mended_section_is_told(
    source: Instance, harvest: Harvest, engine: Engine, box: Box
) -> None:
    source.load(some_master_data(), a_space())
    source.add_user()
    keys = {"email_addresses": "ops@example.org", "data_source_alias": "OTHER"}
    with source.served() as url:
        harvest.section("DS1", url, max_treads="3", **keys)
        tell(harvest, engine)
        harvest.section("DS1", url, **keys)
        tell(harvest, engine)
        assert box.subjects == [CANNOT_START]
        assert harvest.run().code == 0
        assert harvest.run().code == 0
    assert box.subjects == [CANNOT_START, AGAIN]


def test_the_web_hook_hears_of_faults_too(harvest: Harvest, engine: Engine) -> None:
    with web_hook() as hook:
        harvest.section("DS1", NOWHERE, webhook_url=hook.url, max_treads="3")
        tell(harvest, engine)
        tell(harvest, engine)
        settings, contacts = settings_of(harvest), contacts_in(harvest)
        notify_faults(settings, engine, {WHOLE: ["the disk is gone"]}, contacts=contacts)
        notify_faults(settings, engine, {}, contacts=contacts)
    told, whole, over = hook.forms
    assert told["event"] == whole["event"] == "cannot-start"
    assert (told["section"], told["alias"]) == ("DS1", "DS1")
    assert (told["verdict"], told["exit_code"]) == ("config", 2)
    assert "max-treads" in told["message"]
    assert (whole["section"], whole["alias"]) == (None, None)
    assert whole["message"] == "the disk is gone"
    assert over["event"] == "recovered"
    assert told.keys() == whole.keys() == over.keys()


def test_that_no_execution_can_begin_is_told_to_all_and_once_that_they_can_again(
    harvest: Harvest, engine: Engine, box: Box
) -> None:
    """As if the database were down: then only the process remembers."""
    harvest.section("ONE", NOWHERE, email_addresses="a@example.org")
    harvest.section("TWO", NOWHERE, email_addresses="b@example.org")
    fault = {WHOLE: [f"database x: cannot be opened at {datetime.now(UTC)}"]}
    settings, contacts = settings_of(harvest), contacts_in(harvest)
    for _ in range(3):
        notify_faults(settings, None, fault, contacts=contacts)
    assert box.mail.recipients == [["a@example.org"], ["b@example.org"]]
    assert "The sections are not harvested." in box.bodies[0]
    later = datetime.now(UTC) + timedelta(days=1)
    notify_faults(settings, None, fault, contacts=contacts, now=later)
    assert box.subjects == [CANNOT_START] * 4
    tell(harvest, engine)
    tell(harvest, engine)
    assert box.subjects[4:] == [AGAIN] * 2
    assert "The harvester can begin its executions again." in box.bodies[4]


def test_a_file_that_cannot_be_read_is_told_to_those_who_were_known(
    harvest: Harvest, engine: Engine, box: Box, tmp_path: Path
) -> None:
    harvest.section("DS1", NOWHERE, email_addresses="a@example.org")
    contacts = contacts_in(harvest)
    (harvest.root / "harvester-config.txt").rename(tmp_path / "away")
    fault = {WHOLE: ["harvester-config.txt: No such file"]}
    notify_faults(settings_of(harvest), engine, fault, contacts={})
    assert box.subjects == []
    notify_faults(settings_of(harvest), engine, fault, contacts=contacts)
    assert box.mail.recipients == [["a@example.org"]]


def test_without_faults_nobody_is_told(harvest: Harvest, engine: Engine, box: Box) -> None:
    harvest.section("DS1", NOWHERE, email_addresses="a@example.org")
    tell(harvest, engine)
    assert box.subjects == []


def test_whatever_goes_wrong_stops_nothing(
    harvest: Harvest, engine: Engine, box: Box, caplog: pytest.LogCaptureFixture
) -> None:
    harvest.section("DS1", NOWHERE, email_addresses="a@example.org")
    wrong = {"DS1": 7}
    contacts = contacts_in(harvest)
    notify_faults(settings_of(harvest), engine, wrong, contacts=contacts)  # type: ignore[arg-type]
    assert "no notice of the faults" in caplog.text
    assert box.subjects == []
