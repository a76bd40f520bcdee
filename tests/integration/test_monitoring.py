"""Health and metrics on a socket of their own, by a real web server."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import httpx
import pytest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.parser import text_string_to_metric_families

from shared import monitoring
from shared.errors import ConfigError, SyncError
from shared.monitoring import Health, monitored
from shared.settings.quantities import ListenAddress

ANY_PORT = ListenAddress("127.0.0.1", 0)


def one_gauge() -> Iterator[Metric]:
    yield GaugeMetricFamily("openbis_sync_lag_seconds", "How far behind", value=7)


def fine() -> Health:
    return Health(ok=True, details={"DS1": {"age": 12.5}})


@contextmanager
def a_monitor(
    collect: Callable[[], Iterable[Metric]] = one_gauge, health: Callable[[], Health] = fine
) -> Iterator[httpx.Client]:
    with (
        monitored(ANY_PORT, collect, health) as port,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client,
    ):
        yield client


def test_what_is_well_is_200_with_its_details() -> None:
    with a_monitor() as client:
        answer = client.get("/healthz")

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json() == {"status": "ok", "details": {"DS1": {"age": 12.5}}}


def test_what_is_not_well_is_503_with_the_reasons() -> None:
    with a_monitor(health=lambda: Health(ok=False, details={"DS1": "behind since ä"})) as client:
        answer = client.get("/healthz")

    assert answer.status_code == 503
    assert answer.json() == {"status": "failing", "details": {"DS1": "behind since ä"}}


def test_health_is_asked_anew_for_each_request() -> None:
    answers = iter([Health(ok=True), Health(ok=False), Health(ok=True)])
    with a_monitor(health=lambda: next(answers)) as client:
        assert [client.get("/healthz").status_code for _ in range(3)] == [200, 503, 200]


def test_metrics_are_those_that_were_collected_and_of_the_process() -> None:
    with a_monitor() as client:
        answer = client.get("/metrics")
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}

    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert [sample.value for sample in families["openbis_sync_lag_seconds"].samples] == [7]
    assert families["process_resident_memory_bytes"].samples[0].value > 1_000_000
    assert not [name for name in families if name.startswith("python_")]


def test_two_monitors_of_one_process_do_not_share_metrics() -> None:
    with a_monitor() as one, a_monitor(collect=lambda: ()) as other:
        assert "openbis_sync_lag_seconds 7.0" in one.get("/metrics").text
        assert "openbis_sync_lag_seconds" not in other.get("/metrics").text


def test_an_exception_is_an_answer_and_a_line_of_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def failing() -> Iterator[Metric]:
        yield from one_gauge()
        raise RuntimeError("password=hunter2")

    def ill() -> Health:
        raise SyncError("the destination is locked; end the other harvester")

    with a_monitor(failing, ill) as client:
        metrics, health = client.get("/metrics"), client.get("/healthz")
        again = client.get("/healthz")

    assert metrics.status_code == 500
    assert metrics.text == "it failed; the log says why\n"
    assert health.status_code == again.status_code == 503
    assert health.json()["status"] == "failing"
    reason = "the destination is locked; end the other harvester"
    assert health.json()["details"] == {"health": reason}
    told = [record.getMessage() for record in caplog.records if record.name == "shared.monitoring"]
    assert told[0] == "/metrics: RuntimeError: password=hunter2"
    assert told[1:] == [f"/healthz: SyncError: {reason}"] * 2


def test_what_hangs_is_told_and_holds_up_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitoring, "PATIENCE", 0.2)
    release = threading.Event()
    asked: list[int] = []

    def hanging() -> Health:
        asked.append(1)
        assert release.wait(30)
        return Health(ok=True)

    with a_monitor(health=hanging) as client:
        first, second = client.get("/healthz"), client.get("/healthz")
        metrics = client.get("/metrics")
        while_it_hung = len(asked)
        release.set()

    assert first.status_code == second.status_code == 503
    assert first.json()["details"] == {"health": "no answer within 0 seconds"}
    assert metrics.status_code == 200
    assert while_it_hung == 1


def test_a_monitor_stops_even_if_something_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitoring, "PATIENCE", 0.2)
    release = threading.Event()
    with a_monitor(health=lambda: Health(ok=release.wait(30))) as client:
        client.get("/healthz")
        port = client.base_url.port
    release.set()

    assert port
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}/healthz")


def test_a_monitor_leaves_no_thread_and_no_socket_behind() -> None:
    with monitored(ANY_PORT, one_gauge, fine) as port:
        httpx.get(f"http://127.0.0.1:{port}/metrics")
        idle = socket.create_connection(("127.0.0.1", port))
        names = {thread.name for thread in threading.enumerate()}
    with idle:
        assert idle.recv(1) == b""

    assert "monitoring" in names
    assert "monitoring" not in {thread.name for thread in threading.enumerate()}
    with monitored(ListenAddress("127.0.0.1", port), one_gauge, fine) as again:
        assert again == port


def test_a_monitor_ends_with_the_exception_of_its_program() -> None:
    with pytest.raises(ValueError, match="the program"), monitored(ANY_PORT, one_gauge, fine):
        raise ValueError("the program failed")
    assert "monitoring" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.parametrize(
    ("address", "told"),
    [
        (ListenAddress("192.0.2.1", 0), "monitor-address = 192.0.2.1:0: cannot listen there: "),
        (ListenAddress("2001:db8::1", 9), "monitor-address = [2001:db8::1]:9: cannot listen"),
    ],
)
def test_an_address_of_another_machine_is_refused(address: ListenAddress, told: str) -> None:
    with pytest.raises(ConfigError) as refused, monitored(address, one_gauge, fine):
        pass
    assert str(refused.value).startswith(told)


def test_an_address_that_is_taken_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(ConfigError, match=f"monitor-address = 127.0.0.1:{port}: .*in use"),
            monitored(ListenAddress("127.0.0.1", port), one_gauge, fine),
        ):
            pass


def test_a_monitor_may_listen_on_ipv6() -> None:
    with monitored(ListenAddress("::1", 0), one_gauge, fine) as port:
        assert httpx.get(f"http://[::1]:{port}/healthz").status_code == 200


def test_only_two_questions_are_answered() -> None:
    with a_monitor() as client:
        assert client.get("/").status_code == 404
        assert client.post("/healthz").status_code == 405
        assert client.head("/healthz").status_code == 200
        assert "server" not in client.get("/metrics").headers


def test_the_web_server_does_not_tell_that_it_starts_and_stops(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    with a_monitor() as client:
        client.get("/healthz")
    logging.getLogger("uvicorn.error").info("the program's own web server started")

    told = [record.getMessage() for record in caplog.records if record.name.startswith("uvicorn")]
    assert told == ["the program's own web server started"]
