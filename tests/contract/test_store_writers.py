"""One writer at a time: whoever waits can be told to stop, and gets its turn; on both databases."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from sqlalchemy import Connection, Engine, text

from shared.store.engine import (
    Transaction,
    connect,
    create_store,
    refresh_statistics,
    rehearsal,
    snapshot,
    work,
)
from shared.store.writers import wait_for_writers

WRITE = text("UPDATE meta SET value = value WHERE key IN ('schema_version', 'data_store_uuid')")
COUNT = text("SELECT count(*) FROM meta WHERE key IN ('schema_version', 'data_store_uuid')")


class GivenUpError(Exception):
    """Told to stop while it waited."""


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    else:
        url = f"sqlite:///{request.getfixturevalue('tmp_path')}/store.db"
    engine = create_store(url)
    yield engine
    engine.dispose()


@contextmanager
def somebody_writing(engine: Engine) -> Iterator[Callable[[], None]]:
    """Another connection rehearses until the function is called, or the block ends."""
    begun, done = threading.Event(), threading.Event()

    def rehearse() -> None:
        with engine.connect() as connection, rehearsal(connection) as transaction:
            with transaction():
                connection.execute(WRITE)
            begun.set()
            done.wait(60)

    thread = threading.Thread(target=rehearse)
    thread.start()
    assert begun.wait(60)
    yield done.set
    done.set()
    thread.join(60)


def test_a_writer_waits_as_long_as_it_takes(engine: Engine) -> None:
    pauses: list[float] = []
    with somebody_writing(engine) as finish, engine.connect() as connection:

        def pause(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 20:
                finish()
            threading.Event().wait(seconds / 10)

        wait_for_writers(connection, pause)
        with work(connection) as transaction, transaction():
            assert connection.execute(WRITE).rowcount == 2
    assert len(pauses) >= 20
    assert pauses == sorted(pauses)


@pytest.mark.parametrize("open_transaction", [work, rehearsal])
def test_a_writer_that_waits_can_be_told_to_stop(
    engine: Engine, open_transaction: Callable[[Connection], AbstractContextManager[Transaction]]
) -> None:
    def pause(_seconds: float) -> None:
        raise GivenUpError

    with engine.connect() as connection:
        wait_for_writers(connection, pause)
        with (
            somebody_writing(engine),
            pytest.raises(GivenUpError),
            open_transaction(connection) as transaction,
            transaction(),
        ):
            pass
        with work(connection) as transaction, transaction():
            assert connection.execute(WRITE).rowcount == 2


def test_what_is_said_of_an_engine_holds_for_its_connections(engine: Engine) -> None:
    def give_up(_seconds: float) -> None:
        raise GivenUpError

    def other(_seconds: float) -> None:
        raise TimeoutError

    wait_for_writers(engine, give_up)
    with somebody_writing(engine), engine.connect() as one, engine.connect() as two:
        wait_for_writers(two, other)
        with pytest.raises(GivenUpError), work(one) as transaction, transaction():
            pass
        with pytest.raises(TimeoutError), work(two) as transaction, transaction():
            pass


def test_who_reads_never_waits(engine: Engine) -> None:
    with somebody_writing(engine), snapshot(engine) as connection:
        assert connection.execute(COUNT).scalar() == 2


def test_statistics_are_left_to_the_next_run_if_somebody_writes(engine: Engine) -> None:
    with somebody_writing(engine), engine.connect() as connection:
        refresh_statistics(connection)
        with connection.begin():
            assert connection.execute(COUNT).scalar() == 2


def test_a_writer_elsewhere_waits_too(engine: Engine) -> None:
    """Another program that nobody told how to wait: the database lets it wait by itself."""
    elsewhere = connect(engine.url.render_as_string(hide_password=False))
    with somebody_writing(engine) as finish, elsewhere.connect() as connection:
        threading.Timer(0.3, finish).start()
        with work(connection) as transaction, transaction():
            assert connection.execute(WRITE).rowcount == 2
    elsewhere.dispose()
