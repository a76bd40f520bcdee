"""Who hears what of real harvests: by mail and by web hook, and not twice the same."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from harvester.notices.notifying import notify
from harvester.runs.destination import Destination
from harvester.runs.section_report import SectionReport
from harvester.settings.chosen import choose
from shared.errors import BusyError, ConflictError, StoppedError, SyncError
from shared.store.engine import connect, open_store
from tests.support.faults.faulty_source import answering, edited, replaced
from tests.support.instances.builders import a_sample, a_space, perm_id, some_master_data
from tests.support.instances.full_instance import FullInstance, full_master_data
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import PASSWORD, Instance
from tests.support.processes.listening_programs import free_port
from tests.support.servers.mail_server import attachment_of
from tests.support.servers.mailbox import Box, mailbox
from tests.support.servers.web_hook import Hook, web_hook

NOWHERE = f"http://127.0.0.1:{free_port()}"
RAW = perm_id(50)
DRY_FAILED = "Synchronization (dry run) failed"
AGAIN = "Synchronization works again"


@pytest.fixture
def box(harvest: Harvest) -> Iterator[Box]:
    with mailbox() as box:
        harvest.add_properties(*box.properties)
        yield box


@pytest.fixture
def hook() -> Iterator[Hook]:
    with web_hook() as hook:
        yield hook


def configure(harvest: Harvest, url: str, **keys: str) -> None:
    given = {"email_addresses": "ops@example.org", "retry_pauses": "1 ms"} | keys
    harvest.section("DS1", url, **given)


def files_of(code: str) -> str:
    return f"/datastore_server/{code}/"


def a_day_passes(harvest: Harvest) -> None:
    harvest.instance.execute("UPDATE notice SET sent = sent - 23 * 3600 * 1000")


def test_an_unreachable_source_is_mailed_once_a_day_and_its_recovery_once(
    source: Instance, full_instance: FullInstance, harvest: Harvest, box: Box
) -> None:
    assert full_instance.everything
    harvest.init()
    configure(harvest, NOWHERE)
    for _ in range(3):
        assert harvest.run().code == 3
    assert box.subjects == [DRY_FAILED]
    a_day_passes(harvest)
    assert harvest.run().code == 3
    assert harvest.run().code == 3
    assert box.subjects == [DRY_FAILED] * 2
    with source.served() as url:
        configure(harvest, url)
        assert harvest.run().code == 0
        assert harvest.run().code == 0
    assert box.subjects == [DRY_FAILED] * 2 + [AGAIN]
    assert harvest.instance.rows("SELECT * FROM notice") == []
    configure(harvest, NOWHERE)
    assert harvest.run().code == 3
    assert box.subjects[3:] == [DRY_FAILED]


def test_the_mail_of_an_aborted_pass_says_what_failed_where_and_what_to_do(
    source: Instance, harvest: Harvest, box: Box
) -> None:
    assert source
    harvest.init()
    configure(harvest, f"{NOWHERE}/base")
    harvest.run()
    harvest.run()
    a_day_passes(harvest)
    harvest.run()
    body = box.bodies[1]
    for text in (
        "The data source cannot be read at the moment.",
        "Nothing was changed here: it was only rehearsed so far.",
        "Section:     [DS1], alias DS1",
        f"Data source: {NOWHERE}/base/datastore_server/re-sync, as user harvest",
        f"Harvester:   {socket.gethostname()}",
        "Run:         3; ",
        "Step:        Read the resource list",
        f"The error:\n  {NOWHERE}/base/datastore_server/re-sync cannot be read: ",
        "What to do: Nothing, if it passes",
        "More: harvester show 3",
        f"Log:  {harvest.root}/synchronization_DS1.log",
    ):
        assert text in body
    assert PASSWORD not in body
    name, log = attachment_of(box.mail.messages[1])
    ((started,),) = harvest.instance.rows("SELECT started FROM run WHERE id = 3")
    moment = datetime.fromtimestamp(int(str(started)) / 1000, UTC).astimezone()
    assert name == f"synchronization_DS1_{moment:%Y-%m-%d_%H-%M-%S}.log"
    whole = harvest.log()
    assert whole.endswith(log.decode())
    assert log.decode().count("The synchronization was aborted") == 1
    assert "ConnectionRefusedError" in log.decode()  # the causes, too
    assert len(log) < len(whole) / 2  # of this run, not of all


def test_another_failure_is_mailed_at_once(source: Instance, harvest: Harvest, box: Box) -> None:
    harvest.init()
    configure(harvest, NOWHERE)
    assert harvest.run().code == 3
    with source.served(answering(401)) as url:
        configure(harvest, url)
        assert harvest.run().code == 4
        assert harvest.run().code == 4
    with source.served(edited(lambda body: body[: len(body) // 2])) as url:
        source.add_user()
        source.load(some_master_data(), a_space())
        configure(harvest, url)
        assert harvest.run().code == 5
    assert box.subjects == [DRY_FAILED] * 3
    assert "data-source-auth-pass" in box.bodies[1].split("What to do")[1]
    assert "resource-list-url" in box.bodies[2].split("What to do")[1]


def test_a_wrong_password_of_the_destination_is_mailed_without_it(
    harvest: Harvest, box: Box
) -> None:
    harvest.init()
    configure(harvest, NOWHERE, harvester_pass="guessed")
    assert harvest.run().code == 2
    assert box.subjects == [DRY_FAILED]
    assert "[DS1] harvester-pass: wrong password for 'admin'" in box.bodies[0]
    assert "guessed" not in str(box.mail.messages[0])


def test_a_conflict_lists_its_reasons(source: Instance, harvest: Harvest, box: Box) -> None:
    source.load(full_master_data())
    source.add_user()
    harvest.init()
    harvest.instance.execute("DELETE FROM master_data")
    with source.served() as url:
        configure(harvest, url)
        assert harvest.run().code == 6
    assert box.subjects == [DRY_FAILED]
    body = box.bodies[0]
    assert "The master data of source and destination contradict each other." in body
    assert "Step:        Register master data (dry run)" in body
    reasons = body.split("The error:\n")[1].split("\n\n")[0].splitlines()
    assert len(reasons) > 1
    assert any("$NAME" in reason for reason in reasons)


def test_what_fails_in_the_real_pass_is_no_dry_run(
    source: Instance, full_instance: FullInstance, harvest: Harvest, box: Box
) -> None:
    assert full_instance.everything
    harvest.init()
    with source.served(answering(404, files_of(RAW))) as url:
        configure(harvest, url, stop_on_first_failure="true")
        assert harvest.run().code == 7
    assert box.subjects == ["Synchronization failed"]
    body = box.bodies[0]
    assert "stop-on-first-failure is on" in body
    assert "Step:        Register data sets (real pass)" in body
    assert f"The error:\n  DATA_SET {RAW}: " in body
    assert "What was done before stays" in body


def test_a_partial_failure_is_mailed_once_for_the_same_items(
    source: Instance, full_instance: FullInstance, harvest: Harvest, box: Box, hook: Hook
) -> None:
    assert full_instance.everything
    harvest.init()
    with source.served(answering(404, files_of(RAW))) as url:
        configure(harvest, url, webhook_url=hook.url)
        assert harvest.run().code == 7
        assert harvest.run().code == 7
        assert harvest.run().code == 7  # now it waits for its pause to be over
    assert box.subjects == ["Synchronization partly failed"]
    assert "Not synchronized: 1 DATA_SET\n" in box.bodies[0]
    assert f"  DATA_SET {RAW}: " in box.bodies[0]
    assert "harvester ignore" in box.bodies[0]
    assert b"failed" in attachment_of(box.mail.messages[0])[1]
    bad = replaced(' code="SALT"', "")
    with source.served(lambda app: bad(answering(404, files_of(RAW))(app))) as url:
        configure(harvest, url, webhook_url=hook.url)
        assert harvest.run().code == 7
    assert box.subjects == ["Synchronization partly failed"] * 2
    assert "Not synchronized: 1 DATA_SET, 1 SAMPLE\n" in box.bodies[1]
    assert hook.events == ["partly-failed"] * 2
    assert {one["perm_id"] for one in hook.forms[1]["failures"]} == {
        RAW,
        full_instance.shared.perm_id,
    }
    assert hook.forms[1]["failed"] == 2


@pytest.fixture
def shrinking(source: Instance, harvest: Harvest) -> Iterator[str]:
    """A source that has been harvested and then lost most of what it had; its URL."""
    samples = [a_sample(100 + number) for number in range(30)]
    source.load(some_master_data(), a_space(), *samples)
    source.add_user()
    with source.served() as url:
        configure(harvest, url, deletion_allowed="true")
        harvest.init()
        assert harvest.run().code == 0
        source.delete(*samples[:25])
        yield url


def test_deletions_held_back_are_mailed_with_names_and_the_command_that_releases_them(
    harvest: Harvest, shrinking: str, box: Box, hook: Hook
) -> None:
    configure(harvest, shrinking, deletion_allowed="true", webhook_url=hook.url)
    assert harvest.run().code == 8
    assert harvest.run().code == 8
    assert box.subjects == ["Synchronization holds deletions back"]
    body = box.bodies[0]
    assert "Deletions held back: 25 SAMPLE\n" in body
    assert "25 deletions are held back: " in body
    assert body.count("\n  SAMPLE /ALPHA/SAMPLE-1") == 20
    assert "\n  ... and 5 more\n" in body
    assert "If they are right: harvester release 2\n" in body
    held = hook.forms[0]["held_back"]
    assert held["number"] == 25
    assert held["by_kind"] == {"SAMPLE": 25}
    assert len(held["names"]) == 20
    assert held["release"] == "harvester release 2"
    assert "are held back: " in held["reasons"][0]
    assert harvest.run("--allow-deletions").code == 0
    assert box.subjects[1:] == [AGAIN]
    body = box.bodies[1]
    assert "Runs without success in between: 2 held back\n" in body
    assert "  25 SAMPLE deleted\n" in body
    assert hook.events == ["deletions-held-back", "recovered"]


def test_a_rehearsal_that_would_hold_deletions_back_offers_no_release(
    harvest: Harvest, shrinking: str, box: Box
) -> None:
    configure(harvest, shrinking, deletion_allowed="true", dry_run="true")
    assert harvest.run().code == 8
    assert box.subjects == ["Synchronization (dry run) holds deletions back"]
    assert "If they are right: harvester release" not in box.bodies[0]
    assert box.bodies[0].count("\n  SAMPLE /ALPHA/SAMPLE-1") == 20


def test_a_successful_dry_run_is_no_recovery_of_real_runs(
    source: Instance, full_instance: FullInstance, harvest: Harvest, box: Box
) -> None:
    assert full_instance.everything
    harvest.init()
    configure(harvest, NOWHERE)
    assert harvest.run().code == 3
    with source.served() as url:
        configure(harvest, url)
        assert harvest.run("--dry-run").code == 0
        assert box.subjects == [DRY_FAILED]
        assert harvest.run().code == 0
    assert box.subjects == [DRY_FAILED, AGAIN]
    assert "It had failed since " in box.bodies[1]


def test_a_section_that_is_only_rehearsed_recovers_too(
    source: Instance, full_instance: FullInstance, harvest: Harvest, box: Box
) -> None:
    assert full_instance.everything
    harvest.init()
    configure(harvest, NOWHERE, dry_run="true")
    assert harvest.run().code == 3
    with source.served() as url:
        configure(harvest, url, dry_run="true")
        assert harvest.run().code == 0
        assert harvest.run().code == 0
    assert box.subjects == [DRY_FAILED, "Synchronization (dry run) works again"]


def test_what_went_well_or_was_only_stopped_is_not_told(
    source: Instance, full_instance: FullInstance, harvest: Harvest, box: Box
) -> None:
    assert full_instance.everything
    harvest.init()
    with source.served() as url:
        configure(harvest, url, max_transfer="1 B")
        assert harvest.run("--dry-run").code == 0
        assert harvest.run().code == 10
        configure(harvest, url)
        assert harvest.run().code == 0
        assert harvest.run().code == 0
    assert box.subjects == []


def test_a_stopped_run_neither_ends_nor_repeats_bad_news(
    source: Instance, full_instance: FullInstance, harvest: Harvest, box: Box
) -> None:
    assert full_instance.everything
    harvest.init()
    configure(harvest, NOWHERE)
    assert harvest.run().code == 3
    with source.served() as url:
        configure(harvest, url, max_transfer="1 B")
        assert harvest.run().code == 10
        configure(harvest, NOWHERE)
        assert harvest.run().code == 3
        assert box.subjects == [DRY_FAILED]
        configure(harvest, url)
        assert harvest.run().code == 0
    assert box.subjects == [DRY_FAILED, AGAIN]
    assert "Runs without success in between: 1 stopped, 2 unreachable\n" in box.bodies[1]


def test_the_web_hook_gets_the_promised_form(
    source: Instance, full_instance: FullInstance, harvest: Harvest, hook: Hook
) -> None:
    assert full_instance.everything
    harvest.init()
    configure(harvest, NOWHERE, email_addresses="", webhook_url=hook.url)
    harvest.run()
    harvest.run()
    with source.served() as url:
        configure(harvest, url, email_addresses="", webhook_url=hook.url)
        assert harvest.run().code == 0
    failed, recovered = hook.forms
    assert failed.keys() == recovered.keys() == FIELDS
    assert failed["version"] == 1
    assert failed["event"] == "failed"
    assert failed["subject"] == DRY_FAILED
    assert (failed["section"], failed["alias"]) == ("DS1", "DS1")
    assert failed["source"] == f"{NOWHERE}/datastore_server/re-sync"
    assert failed["run"] == 1
    assert failed["dry_run"] is True
    assert (failed["verdict"], failed["exit_code"]) == ("unreachable", 3)
    assert failed["message"].startswith("FAILED: ")
    assert failed["at"] is None
    assert failed["counts"] == failed["failures"] == []
    started, ended = (datetime.fromisoformat(failed[key]) for key in ("started", "ended"))
    assert started.utcoffset() == timedelta(0)
    assert started <= ended
    assert recovered["event"] == "recovered"
    assert recovered["run"] == 3
    assert recovered["failing_since"] == failed["started"]
    assert datetime.fromisoformat(recovered["at"])
    samples = len([one for one in full_instance.everything if one.kind == "SAMPLE"])
    assert {"kind": "SAMPLE", "action": "created", "number": samples} in recovered["counts"]
    assert PASSWORD not in json.dumps(hook.forms, ensure_ascii=False)
    assert "token-of-ours" not in harvest.log()


FIELDS = {
    *("version", "event", "subject", "harvester", "section", "alias", "source", "run", "dry_run"),
    *("verdict", "exit_code", "message", "started", "ended", "at", "failing_since", "counts"),
    *("failed", "failures", "held_back"),
}


def test_secrets_in_the_query_of_a_url_are_not_told(harvest: Harvest, box: Box, hook: Hook) -> None:
    harvest.init()
    configure(
        harvest,
        NOWHERE,
        resource_list_url=f"{NOWHERE}/re-sync?ticket=hidden-ticket",
        webhook_url=hook.url,
    )
    harvest.run()
    assert f"{NOWHERE}/re-sync," in box.bodies[0]
    assert hook.forms[0]["source"] == f"{NOWHERE}/re-sync"
    for text in (box.bodies[0], json.dumps(hook.forms)):
        assert "hidden-ticket" not in text


def test_what_reached_nobody_is_told_at_the_next_run(harvest: Harvest, box: Box) -> None:
    harvest.init()
    configure(harvest, NOWHERE, email_addresses="nobody@example.org")
    harvest.run()
    assert harvest.instance.rows("SELECT * FROM notice") == []
    configure(harvest, NOWHERE)
    harvest.run()
    assert box.subjects == [DRY_FAILED]


def test_one_way_that_works_is_enough(harvest: Harvest, hook: Hook) -> None:
    """The mail server is down, the hook is not; then the other way round."""
    harvest.add_properties(
        "mail.smtp.host = 127.0.0.1", f"mail.smtp.port = {free_port()}", "mail.from = a@b.org"
    )
    harvest.init()
    configure(harvest, NOWHERE, webhook_url=hook.url)
    harvest.run()
    harvest.run()
    assert hook.events == ["failed"]
    with mailbox() as box:
        harvest.add_properties(*box.properties[1:2])
        a_day_passes(harvest)
        hook.answers = [404]
        configure(harvest, NOWHERE, webhook_url=hook.url)
        harvest.run()
        harvest.run()
        assert box.subjects == [DRY_FAILED]
    assert hook.events == ["failed", "failed"]


def test_a_recovery_that_reached_nobody_is_told_at_the_next_run(
    source: Instance, harvest: Harvest, box: Box
) -> None:
    source.load(some_master_data(), a_space())
    source.add_user()
    harvest.init()
    configure(harvest, NOWHERE)
    harvest.run()
    with source.served() as url:
        configure(harvest, url, email_addresses="nobody@example.org")
        assert harvest.run().code == 0
        configure(harvest, url)
        assert harvest.run().code == 0
        assert harvest.run().code == 0
    assert box.subjects == [DRY_FAILED, AGAIN]


def test_the_memory_is_that_of_the_destination_on_each_of_its_databases(
    source: Instance, either: Harvest
) -> None:
    source.load(some_master_data(), a_space())
    source.add_user()
    either.init()
    with mailbox() as box:
        either.add_properties(*box.properties)
        configure(either, NOWHERE)
        either.run()
        either.run()
        with source.served() as url:
            configure(either, url)
            assert either.run().code == 0
    assert box.subjects == [DRY_FAILED, AGAIN]


class Daemon:
    """As in a daemon: one process, one engine, many ends of runs; with a clock of our own."""

    def __init__(self, harvest: Harvest) -> None:
        chosen = choose(harvest.root / "harvester.properties", None)
        (self.config,) = chosen.sections
        engine = open_store(chosen.settings.database_url.get_secret_value())
        self.destination = Destination(engine=engine, settings=chosen.settings)
        self.now = datetime(2024, 3, 5, 3, tzinfo=UTC)

    def tell(self, error: BaseException | None, after: timedelta = timedelta(0)) -> None:
        self.now += after
        report = SectionReport(name="DS1", error=error, started=self.now)
        notify(self.config, self.destination, report, b"log\n", now=self.now)


@pytest.fixture
def daemon(harvest: Harvest, box: Box) -> Iterator[Daemon]:
    assert box.subjects == []
    harvest.init()
    configure(harvest, NOWHERE)
    daemon = Daemon(harvest)
    yield daemon
    daemon.destination.engine.dispose()


def test_a_stall_is_told_and_so_is_each_new_day_of_it(daemon: Daemon, box: Box) -> None:
    day = timedelta(days=1)
    daemon.tell(StoppedError("there was no progress for 1 h (stall-timeout)", stalled=True))
    for minutes in (-40, 50, -20):  # a daily run does not always take the same time
        stalled = StoppedError("there was no progress for 1 h (stall-timeout)", stalled=True)
        daemon.tell(stalled, after=day + timedelta(minutes=minutes))
        daemon.tell(BusyError("somebody else"))
        daemon.tell(StoppedError("SIGTERM"))
        daemon.tell(stalled, after=timedelta(hours=1))
    assert box.subjects == ["Synchronization stalled"] * 4
    assert "The next run goes on from there." in box.bodies[0]
    daemon.tell(None)
    assert box.subjects[4:] == ["Synchronization (dry run) works again"]


def test_a_destination_that_is_broken_is_told_once_a_day_all_the_same(
    harvest: Harvest, daemon: Daemon, box: Box
) -> None:
    """The memory of what was told lies in it: the process remembers instead."""
    error = SyncError("database x: gone; nothing is lost, the next run goes on")
    hidden = harvest.root / "hidden.db"
    database = harvest.root / "instance.db"
    daemon.destination.engine.dispose()
    harvest.instance.engine.dispose()
    database.rename(hidden)
    database.mkdir()
    for hours in (0, 1, 1):
        daemon.tell(error, after=timedelta(hours=hours))
    assert box.subjects == [DRY_FAILED]
    daemon.tell(error, after=timedelta(hours=22))
    assert box.subjects == [DRY_FAILED] * 2
    database.rmdir()
    hidden.rename(database)
    daemon.tell(error, after=timedelta(hours=1))
    assert len(box.subjects) == 2
    daemon.tell(None, after=timedelta(hours=1))
    daemon.tell(None, after=timedelta(hours=1))
    assert len(box.subjects) == 3
    daemon.tell(error, after=timedelta(hours=1))  # and now it can be noted again
    engine = connect(f"sqlite:///{database}")
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM notice").scalar() == 1
    engine.dispose()
    assert len(box.subjects) == 4


def test_a_text_that_nobody_expected_stops_nothing(
    daemon: Daemon, box: Box, caplog: pytest.LogCaptureFixture
) -> None:
    daemon.tell(ValueError("name \udcff\r\nBcc: everybody@example.org\0"))
    assert box.mail.recipients == [["ops@example.org"]]
    assert "  ValueError: name ? Bcc: everybody@example.org?\n" in box.bodies[0]
    error = ValueError("x")
    report = SectionReport(name="DS1", started=None, error=error)  # type: ignore[arg-type]
    notify(daemon.config, daemon.destination, report, b"")
    assert "no notice of the run could be sent" in caplog.text


def test_of_many_reasons_the_first_are_told(daemon: Daemon, box: Box) -> None:
    daemon.tell(ConflictError([f"reason {number}" for number in range(1234)]))
    body = box.bodies[0]
    assert "\n  reason 0\n" in body
    assert "\n  reason 9\n  ... and 1,224 more\n" in body


def test_a_section_without_recipients_is_not_told_of(harvest: Harvest, box: Box) -> None:
    harvest.init()
    configure(harvest, NOWHERE, email_addresses="")
    assert harvest.run().code == 3
    assert box.subjects == []
    assert harvest.instance.rows("SELECT * FROM notice") == []


def test_a_log_that_cannot_be_opened_is_told_without_one(harvest: Harvest, box: Box) -> None:
    harvest.init()
    folder: Path = harvest.root / "notes"
    folder.mkdir()
    configure(harvest, NOWHERE, log_file="notes")
    assert harvest.run().code == 2
    assert box.subjects == [DRY_FAILED]
    assert "[DS1] log-file: cannot be opened" in box.bodies[0]
    assert list(box.mail.messages[0].iter_attachments()) == []
