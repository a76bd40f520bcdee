"""One worker at a time on a section, whatever becomes of the worker."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from shared.store.locks import section_lock
from tests.support.instances.instance import PROJECT, Instance

_HOLD = """
import sys, time
from shared.store.engine import connect
from shared.store.locks import section_lock
with connect(sys.argv[1]).connect() as connection, section_lock(connection, sys.argv[2]) as held:
    print(held, flush=True)
    time.sleep(600)
"""


@contextmanager
def another_worker(instance: Instance, source: str) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the lock of a section until it is killed."""
    url = instance.engine.url.render_as_string(hide_password=False)
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, url, source], stdout=subprocess.PIPE, text=True, cwd=PROJECT
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "True\n"
        try:
            yield process
        finally:
            process.kill()


def is_free(instance: Instance, source: str) -> bool:
    with instance.engine.connect() as connection, section_lock(connection, source) as held:
        return held


def test_a_section_is_locked_for_other_processes_and_only_that_one(instance: Instance) -> None:
    with another_worker(instance, "DS1"):
        assert not is_free(instance, "DS1")
        assert is_free(instance, "DS2")


def test_a_killed_process_holds_no_lock(instance: Instance) -> None:
    with another_worker(instance, "DS1") as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
        deadline = time.monotonic() + 30
        while not is_free(instance, "DS1") and time.monotonic() < deadline:
            time.sleep(0.05)  # PostgreSQL notices the closed connection on its own time
        assert is_free(instance, "DS1")


def test_a_lock_can_be_taken_again_after_it_was_given_back(instance: Instance) -> None:
    with instance.engine.connect() as one, instance.engine.connect() as other:
        for connection in (one, other, one):
            with section_lock(connection, "DS1") as held:
                assert held
                with section_lock(other if connection is one else one, "DS1") as second:
                    assert not second


def test_the_lock_holds_over_the_transactions_of_its_connection(instance: Instance) -> None:
    with instance.engine.connect() as connection, section_lock(connection, "DS1"):
        with connection.begin() as transaction:
            transaction.rollback()
        assert not is_free(instance, "DS1")
    assert is_free(instance, "DS1")
