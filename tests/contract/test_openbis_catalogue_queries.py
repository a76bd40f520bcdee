"""How the database is asked: in one snapshot, in few queries whatever there is to read."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, event, make_url

from shared.model.entities import Entity
from shared.model.kinds import Kind
from source_server.catalogues.openbis.catalogue import OpenBisCatalogue
from source_server.catalogues.openbis.connect import reading_engine
from source_server.catalogues.openbis.entities import PAGE
from source_server.publication.catalogue import Catalogue, Scope
from tests.conftest import LoadOpenBis, OpenCatalogue
from tests.support.openbis.examples import Examples
from tests.support.servers.postgres import run


@contextmanager
def statements(engine: Engine) -> Iterator[list[str]]:
    """What is sent to the database meanwhile."""
    sent: list[str] = []

    def note(*arguments: Any) -> None:
        sent.append(str(arguments[2]))

    event.listen(engine, "before_cursor_execute", note)
    yield sent
    event.remove(engine, "before_cursor_execute", note)


@pytest.fixture
def engine(examples: Examples, copy_openbis: LoadOpenBis) -> Iterator[Engine]:
    engine = reading_engine(copy_openbis(examples.database))
    yield engine
    engine.dispose()


@pytest.fixture
def path_info(examples: Examples, load_openbis: LoadOpenBis) -> Iterator[Engine]:
    engine = reading_engine(load_openbis(examples.path_info))
    yield engine
    engine.dispose()


@pytest.fixture
def catalogue(engine: Engine, path_info: Engine, x192_store: Path) -> Catalogue:
    return OpenBisCatalogue(engine, store_root=x192_store, path_info=path_info)


def written_by_administrator(engine: Engine, *changes: str) -> None:
    run(engine.url.render_as_string(hide_password=False), *changes)


def number_of_statements(
    catalogue: Catalogue, engine: Engine, kind: Kind, scope: Scope
) -> tuple[int, int]:
    """Entities, and statements to read them."""
    with catalogue.snapshot() as snapshot, statements(engine) as sent:
        entities = sum(1 for _ in snapshot.entities(kind, scope))
        return entities, len(sent)


@pytest.mark.parametrize(
    "kind", [Kind.SPACE, Kind.PROJECT, Kind.EXPERIMENT, Kind.SAMPLE, Kind.DATA_SET]
)
def test_the_number_of_queries_does_not_depend_on_the_number_of_entities_of_a_page(
    examples: Examples, catalogue: Catalogue, engine: Engine, kind: Kind
) -> None:
    some, for_some = number_of_statements(
        catalogue, engine, kind, examples.scope(examples.spaces[1])
    )
    more, for_more = number_of_statements(catalogue, engine, kind, examples.everything)

    assert 0 < some < more <= PAGE
    # what few entities have is asked for only where a page has such a one
    assert for_some <= for_more <= 8


def test_each_further_page_takes_the_same_few_queries(
    examples: Examples, catalogue: Catalogue, engine: Engine
) -> None:
    materials, sent = number_of_statements(catalogue, engine, Kind.MATERIAL, examples.everything)
    pages = -(-materials // PAGE)
    written_by_administrator(
        engine,
        "delete from material_properties where mate_id > 1000",
        "delete from materials where id > 1000",
    )
    fewer, sent_for_one_page = number_of_statements(
        catalogue, engine, Kind.MATERIAL, examples.everything
    )

    assert (pages, materials) == (4, examples.materials)
    assert 0 < fewer <= PAGE
    assert sent - sent_for_one_page == 2 * (pages - 1)  # the rows and their properties


def test_files_are_asked_for_by_page_too(
    examples: Examples, catalogue: Catalogue, path_info: Engine
) -> None:
    def asked(*spaces: str) -> tuple[int, int]:
        shown = examples.scope(*spaces)
        with catalogue.snapshot() as snapshot, statements(path_info) as sent:
            files = sum(len(each.files) for each in snapshot.entities(Kind.DATA_SET, shown))
            return files, len(sent)

    some, for_some = asked(examples.spaces[1])
    more, for_more = asked(*examples.spaces)
    assert 0 < some < more
    assert for_some == for_more <= 5


def test_master_data_takes_as_many_queries_as_it_has_tables(
    catalogue: Catalogue, engine: Engine
) -> None:
    with catalogue.snapshot() as snapshot, statements(engine) as sent:
        snapshot.master_data()

    assert len(sent) == 16


def test_more_than_a_page_of_samples_comes_whole_and_in_order(
    examples: Examples, catalogue: Catalogue, engine: Engine
) -> None:
    written_by_administrator(
        engine,
        """insert into samples_all
           select (jsonb_populate_record(x, jsonb_build_object(
                      'id', 100000 + n, 'code', 'MORE-' || n,
                      'perm_id', '20240101000000000-' || n))).*
             from samples_all x, generate_series(1, 2500) n
            where x.perm_id = '<sample>'""".replace("<sample>", examples.layout),
    )
    with catalogue.snapshot() as snapshot:
        samples = list(snapshot.entities(Kind.SAMPLE, examples.everything))

    perm_ids = [sample.perm_id for sample in samples]
    assert len(set(perm_ids)) == examples.samples + 2500
    assert perm_ids == sorted(perm_ids)
    assert {s.type for s in samples if s.code.startswith("MORE-")} == {examples.layout_type}


def test_a_snapshot_does_not_see_what_is_committed_after_it(
    examples: Examples, catalogue: Catalogue, engine: Engine
) -> None:
    change = f"update spaces set description = 'changed' where code = '{examples.spaces[0]}'"  # noqa: S608
    with catalogue.snapshot() as before:
        written_by_administrator(engine, change)
        with catalogue.snapshot() as after:
            assert _first(after.entities(Kind.SPACE, examples.everything)).description == "changed"
        assert _first(before.entities(Kind.SPACE, examples.everything)).description != "changed"


def _first(spaces: Iterator[Entity]) -> Entity:
    return next(spaces)


def test_the_time_of_a_snapshot_lies_before_the_oldest_open_transaction(
    catalogue: Catalogue, engine: Engine
) -> None:
    """What that transaction changes carries its beginning as the time of modification."""
    with psycopg.connect(_conninfo(engine)) as writer:
        row = writer.execute("select now()").fetchone()
        assert row is not None
        began: datetime = row[0]
        time.sleep(1.1)  # so that the clock has gone on to another second
        with catalogue.snapshot() as snapshot:
            assert snapshot.at <= began.replace(microsecond=0) - timedelta(seconds=1)
        writer.execute("update spaces set description = 'late'")
        writer.commit()


def test_the_time_of_a_snapshot_is_a_whole_second_of_utc_in_the_past(
    catalogue: Catalogue,
) -> None:
    with catalogue.snapshot() as snapshot:
        assert snapshot.at.tzinfo is UTC
        assert snapshot.at.microsecond == 0
        assert snapshot.at < datetime.now(UTC) - timedelta(seconds=1)


def _conninfo(engine: Engine) -> str:
    url = make_url(engine.url)
    return f"dbname={url.database} user={url.username} host={url.query['host']!s}"


def test_a_reading_that_is_dropped_halfway_does_not_disturb_the_next(
    examples: Examples,
    catalogue: Catalogue,
) -> None:
    with catalogue.snapshot() as snapshot:
        dropped = snapshot.entities(Kind.MATERIAL, examples.everything)
        first = next(dropped)
        again = list(snapshot.entities(Kind.MATERIAL, examples.everything))
        assert list(dropped) == []
        still_open = snapshot.entities(Kind.DATA_SET, examples.everything)
        next(still_open)

    assert (again[0], len(again)) == (first, examples.materials)
    assert list(still_open) == []


def test_a_snapshot_can_be_read_by_one_thread_after_the_other(
    examples: Examples, catalogue: Catalogue
) -> None:
    found: list[Entity] = []
    with catalogue.snapshot() as snapshot:
        samples = snapshot.entities(Kind.MATERIAL, examples.everything)

        def read_some() -> None:
            found.extend(entity for entity, _ in zip(samples, range(1500), strict=False))

        for _ in range(2):
            thread = Thread(target=read_some)
            thread.start()
            thread.join()

    assert len({entity.perm_id for entity in found}) == len(found) == 3000


def test_snapshots_give_their_connections_back(
    examples: Examples, load_openbis: LoadOpenBis, open_catalogue: OpenCatalogue
) -> None:
    """More of them than the pool has connections, and each fails while something is read."""
    catalogue = open_catalogue(load_openbis(examples.small))
    for number in range(30):
        with pytest.raises(LookupError, match=str(number)):
            _fail_while_reading(catalogue, number)

    with catalogue.snapshot() as snapshot:
        assert len(snapshot.space_codes()) == examples.small_spaces


def _fail_while_reading(catalogue: Catalogue, number: int) -> None:
    with catalogue.snapshot() as snapshot:
        next(snapshot.entities(Kind.SPACE, Scope(spaces=frozenset(snapshot.space_codes()))))
        raise LookupError(number)
