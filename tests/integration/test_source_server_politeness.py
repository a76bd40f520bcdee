"""Harvesters that come too early or too many, against a real web server and real connections."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from harvester.openbis.source.source import Source
from shared.errors import SourceError, SyncError
from shared.model.entities import Entity
from shared.model.kinds import Kind
from source_server.web import streaming
from source_server.web.list_limits import PAUSE
from tests.support.instances.memory_catalogue import MemoryCatalogue, MemorySnapshot
from tests.support.servers.scripted_source import section
from tests.support.servers.source_site import PASSWORD
from tests.support.servers.watched_site import LIST, RE_SYNC, Site, Slow, a_site, scopes, slow

DAY = timedelta(days=1)


def test_a_list_is_sent_once_in_an_interval() -> None:
    with a_site(minimum_interval=DAY) as site:
        first = site.get()
        site.clock.seconds = 3600
        early = site.get()
        site.clock.seconds = 24 * 3600
        late = site.get()

    assert first.status_code == late.status_code == 200
    assert early.status_code == 429
    assert early.headers["Retry-After"] == str(23 * 3600)
    assert early.headers["Content-Type"].startswith("text/plain")
    assert "come back in 82800 seconds, at 20" in early.text


@pytest.mark.parametrize("user", ["mira", "otto"])
def test_two_users_do_not_take_each_other_s_list_away(user: str) -> None:
    with a_site(minimum_interval=DAY) as site:
        site.get(user="ada")
        assert site.get(user=user).status_code == 200
        assert site.get(user=user).status_code == 429


def test_two_sections_of_a_user_with_different_white_lists_get_theirs() -> None:
    with a_site(minimum_interval=DAY) as site:
        for patterns in ("&white_list=ALPHA", "&white_list=B.*", "&black_list=ALPHA", ""):
            assert site.get(LIST + patterns).status_code == 200
            assert site.get(LIST + patterns).status_code == 429


def test_a_list_asked_for_by_a_form_counts_too() -> None:
    form = {"verb": "resourcelist.xml", "white_list": "ALPHA"}
    with a_site(minimum_interval=DAY) as site:
        assert site.get(RE_SYNC, method="POST", data=form).status_code == 200
        assert site.get(f"{LIST}&white_list=ALPHA").status_code == 429


def test_what_costs_nothing_never_counts() -> None:
    with a_site(minimum_interval=DAY) as site:
        for _ in range(2):
            assert site.get(method="HEAD").status_code == 200
            assert site.get(RE_SYNC).status_code == 200
            assert site.get(f"{RE_SYNC}?verb=capabilitylist.xml").status_code == 200
        assert site.get().status_code == 200
        assert site.get(RE_SYNC).status_code == 200
        assert site.get(method="HEAD").status_code == 200
        assert site.politeness.lists == 0


def test_a_list_that_was_refused_or_failed_never_counts() -> None:
    with a_site(minimum_interval=DAY) as site:
        assert site.get(f"{LIST}&white_list=(").status_code == 400
        assert httpx.get(site.url + LIST, auth=("mira", "wrong")).status_code == 401
        assert site.get().status_code == 200


def test_a_list_that_breaks_off_may_be_fetched_again_at_once() -> None:
    class Failing(Slow):
        fails = True

        def entities_of(self, kind: Kind) -> Iterator[Entity]:
            if self.fails and kind is Kind.DATA_SET:
                raise RuntimeError("the database has gone")
            return iter(())

    catalogue = Failing(scopes=scopes())
    with a_site(catalogue, minimum_interval=DAY) as site:
        with pytest.raises(httpx.RemoteProtocolError):
            site.get()
        catalogue.fails = False
        assert site.becomes_idle()
        assert site.get().status_code == 200
        assert site.get().status_code == 429


def test_a_client_that_left_halfway_may_come_again_at_once() -> None:
    with a_site(slow(), minimum_interval=DAY, max_lists_per_user=1) as site:
        with site.receiving() as answer:
            assert answer.status_code == 200
        assert site.becomes_idle()
        with site.receiving() as again:
            assert again.status_code == 200


def test_a_user_gets_so_many_lists_at_once_and_others_get_theirs() -> None:
    with a_site(slow(), max_lists_per_user=2) as site:
        with site.receiving(), site.receiving():
            refused = site.get()
            with site.receiving("otto") as other:
                assert other.status_code == 200
                assert site.politeness.lists == 3
        assert site.becomes_idle()

    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == str(PAUSE)
    assert "2 resource lists are being sent to this user" in refused.text


def test_whoever_has_got_a_list_may_ask_for_the_next_at_once() -> None:
    with (
        a_site(max_lists_per_user=1, max_lists=1) as site,
        httpx.Client(auth=("mira", PASSWORD), timeout=30) as client,
    ):
        assert [client.get(site.url + LIST).status_code for _ in range(50)] == [200] * 50


def test_so_many_lists_are_sent_at_once_in_all() -> None:
    with a_site(slow(), max_lists=2) as site:
        with site.receiving(), site.receiving("otto"):
            refused = site.get(user="ada")
            about = site.get(RE_SYNC, user="ada")
        assert site.becomes_idle()
        with site.receiving("ada") as later:
            assert later.status_code == 200

    assert refused.status_code == 429
    assert about.status_code == 200
    assert site.catalogue.open_snapshots == 0


def test_a_refusal_opens_no_snapshot() -> None:
    opened: list[int] = []

    class Counting(Slow):
        @contextmanager
        def snapshot(self) -> Iterator[MemorySnapshot]:
            opened.append(1)
            with super().snapshot() as found:
                yield found

    with a_site(Counting(scopes=scopes()), max_lists_per_user=1) as site:
        with site.receiving():
            assert [site.get().status_code for _ in range(5)] == [429] * 5
        assert site.becomes_idle()
    assert len(opened) == 1


@pytest.mark.parametrize("error", [RuntimeError("broken"), SyncError("schema 40 is too old")])
def test_a_list_that_fails_before_its_first_byte_gives_its_slot_back(error: Exception) -> None:
    class Closed(MemoryCatalogue):
        def snapshot(self) -> Any:
            raise error

    with a_site(Closed(scopes=scopes()), max_lists=1) as site:
        assert [site.get().status_code for _ in range(3)] == [500] * 3
        assert site.becomes_idle()


def test_a_client_that_leaves_before_the_first_byte_gives_its_slot_back() -> None:
    opening, may_open = threading.Event(), threading.Event()

    class Waiting(MemoryCatalogue):
        @contextmanager
        def snapshot(self) -> Iterator[MemorySnapshot]:
            opening.set()
            assert may_open.wait(30)
            with super().snapshot() as found:
                yield found

    catalogue = Waiting(scopes=scopes())
    with a_site(catalogue, max_lists=1, minimum_interval=DAY) as site:
        with site.raw_request():
            assert opening.wait(30)
            busy = site.get()
            held = site.politeness.lists
        may_open.set()
        idle = site.becomes_idle()
        assert site.get().status_code == 200  # and what nobody has received does not count

    assert busy.status_code == 429
    assert held == 1
    assert idle
    assert catalogue.open_snapshots == 0


def test_a_client_that_takes_nothing_loses_its_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "PATIENCE", 0.2)
    with (
        a_site(slow(), max_lists_per_user=1, minimum_interval=DAY) as site,
        site.receiving() as stuck,
    ):
        assert site.becomes_idle()
        with site.receiving() as again:
            assert again.status_code == 200
        with pytest.raises(httpx.HTTPError):
            list(stuck.blocks)


def test_many_clients_that_leave_at_any_moment_leave_no_slot_taken() -> None:
    with a_site(slow(), max_lists=50, max_lists_per_user=50) as site:
        for number in range(40):
            with site.raw_request() as connection:
                if number % 3:
                    connection.settimeout(30)
                    connection.recv(1 if number % 3 == 1 else 100_000)
        assert site.becomes_idle()
        assert site.get(RE_SYNC).status_code == 200


def a_source(site: Site, waits: list[float], on_wait: Callable[[float], None]) -> Source:
    """The harvester's own client, whose pauses the test sees and passes."""

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        on_wait(seconds)

    config = section(site.url, data_source_auth_user="mira", data_source_auth_pass=PASSWORD)
    return Source(config, sleep=sleep)


def test_a_harvester_waits_for_its_turn_as_it_is_told(tmp_path: Path) -> None:
    def come_back(seconds: float) -> None:
        site.clock.seconds += seconds

    with a_site(minimum_interval=timedelta(seconds=60)) as site:
        waits: list[float] = []
        with a_source(site, waits, come_back) as first, a_source(site, waits, come_back) as second:
            files = first.fetch_list(tmp_path) + second.fetch_list(tmp_path)

    assert waits == [60]
    assert all(file.read_bytes().endswith(b"</urlset>") for file in files)


def test_of_two_harvesters_of_a_user_the_second_waits_for_the_first(tmp_path: Path) -> None:
    finish = threading.Event()

    def until_told() -> Iterator[Entity]:
        assert finish.wait(30)
        yield from ()

    catalogue = slow()
    catalogue.make = until_told
    with a_site(catalogue, max_lists_per_user=1) as site:
        waits: list[float] = []

        def let_the_first_finish(_seconds: float) -> None:
            finish.set()
            assert site.becomes_idle()

        with site.receiving() as first, a_source(site, waits, let_the_first_finish) as second:
            (file,) = second.fetch_list(tmp_path)
            assert first.status_code == 200
        whole = file.read_bytes()

    assert waits == [PAUSE]
    assert whole.endswith(b"</urlset>")


def test_a_harvester_that_must_wait_too_long_says_why(tmp_path: Path) -> None:
    with a_site(minimum_interval=DAY) as site:
        site.get()
        with (
            a_source(site, [], lambda _seconds: None) as source,
            pytest.raises(SourceError, match=r"status 429: .* come back in 86400 seconds"),
        ):
            source.fetch_list(tmp_path)
