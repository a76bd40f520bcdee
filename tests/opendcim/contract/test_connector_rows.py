"""The promises of the rows of external requests, over SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import update

from opendcim.connector.external_response import Status
from opendcim.connector.request_row import NewRow
from opendcim.connector.rows import MOST_BEGINS, Rows, now, open_rows
from opendcim.connector.tables import meta_table, request_table
from shared.errors import ConfigError, SyncError
from shared.store.engine import connect

MINUTE = 60_000
REQUEST = '{"Elements": ["1/1"], "Include": ["Device"], "TimeoutSeconds": null}'


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/folder/rows.db"
    found: str = request.getfixturevalue("postgres_url")
    return found


@pytest.fixture
def rows(url: str) -> Iterator[Rows]:
    opened = open_rows(url)
    yield opened
    opened.close()


def new_row(number: int, *, age: int = 0, timeout: int = MINUTE) -> NewRow:
    received = now() - age
    return NewRow(
        request_id=f"r-{number:03}",
        digest="d",
        request=REQUEST,
        posted_by="mira",
        received=received,
        deadline=received + timeout,
    )


def test_an_id_is_taken_once_however_many_ask(rows: Rows) -> None:
    with ThreadPoolExecutor(8) as pool:
        added = list(pool.map(lambda _: rows.add(new_row(1)), range(16)))

    assert sorted(added) == [False] * 15 + [True]
    assert rows.pending() == 1


def test_each_row_is_claimed_by_one_worker_the_oldest_first(url: str, rows: Rows) -> None:
    for number in range(30):
        rows.add(new_row(number, age=30 - number))
    others = [open_rows(url) for _ in range(3)]

    def claim_all(worker: int) -> list[str]:
        mine = []
        while row := others[worker % 3].claim(f"w{worker}", MINUTE):
            mine.append(row.request_id)
        return mine

    try:
        assert rows.claim("first", MINUTE) == rows.find("r-000")
        with ThreadPoolExecutor(6) as pool:
            claimed = [name for names in pool.map(claim_all, range(6)) for name in names]
    finally:
        for other in others:
            other.close()
    left = []
    while row := rows.claim("last", MINUTE):  # a worker may find only rows that others just took
        left.append(row.request_id)

    assert sorted(claimed + left) == [f"r-{number:03}" for number in range(1, 30)]


def test_a_claim_that_was_not_renewed_is_anybodys(rows: Rows) -> None:
    rows.add(new_row(1))
    assert rows.claim("dead", -1)
    claimed = rows.claim("alive", MINUTE)

    assert claimed is not None
    assert claimed.begun == 2
    assert not rows.finish("r-001", Status.COMPLETED, {}, "dead")
    assert rows.finish("r-001", Status.COMPLETED, {"Id": "r-001"}, "alive")


def test_a_claim_that_is_renewed_stays(rows: Rows) -> None:
    rows.add(new_row(1))
    rows.claim("w", -1)
    rows.renew("w", ["r-001"], MINUTE)

    assert rows.claim("other", MINUTE) is None


def test_what_is_released_can_be_claimed_at_once_and_does_not_count(rows: Rows) -> None:
    rows.add(new_row(1))
    for _ in range(MOST_BEGINS + 1):
        claimed = rows.claim("w", MINUTE)
        assert claimed is not None
        assert claimed.begun == 1
        rows.release("w", "r-001")


def test_a_row_is_finished_once(rows: Rows) -> None:
    rows.add(new_row(1))
    rows.claim("w", MINUTE)

    assert rows.finish("r-001", Status.FAILED, {"n": 1}, None)
    assert not rows.finish("r-001", Status.COMPLETED, {"n": 2}, "w")
    found = rows.find("r-001")
    assert found is not None
    assert (found.status, found.response) == (Status.FAILED, {"n": 1})


def test_rows_whose_time_is_over_or_that_killed_too_often_are_overdue(rows: Rows) -> None:
    rows.add(new_row(1))
    rows.add(new_row(2, age=2 * MINUTE))
    rows.add(new_row(3))
    for _ in range(MOST_BEGINS):
        rows.claim("w", MINUTE)
        rows.renew("w", ["r-001"], -1)
    rows.claim("w", MINUTE)

    assert sorted(row.request_id for row in rows.overdue(0)) == ["r-001", "r-002"]
    assert rows.claim("w", MINUTE) is None


def test_a_worker_has_some_time_to_end_by_itself(rows: Rows) -> None:
    rows.add(new_row(1, timeout=MINUTE))
    rows.claim("w", 10 * MINUTE)
    rows._engine.dispose()
    with rows._engine.begin() as connection:
        connection.execute(update(request_table).values(deadline=now() - 1_000))

    assert rows.overdue(MINUTE) == []
    assert len(rows.overdue(500)) == 1


def test_pages_show_the_latest_first_and_each_row_once(rows: Rows) -> None:
    moment = now()
    for number in range(7):
        one = new_row(number)
        rows.add(
            NewRow(
                request_id=one.request_id,
                digest="d",
                request=REQUEST,
                posted_by=None,
                received=moment - number // 2,
                deadline=moment + MINUTE,
            )
        )
    rows.finish("r-004", Status.COMPLETED, {}, None)
    first = rows.page(None, 3, None)
    second = rows.page(None, 3, first[-1])
    third = rows.page(None, 3, second[-1])

    assert [row.request_id for row in [*first, *second, *third]] == [
        "r-001", "r-000", "r-003", "r-002", "r-005", "r-004", "r-006",
    ]  # fmt: skip
    assert [row.request_id for row in rows.page(Status.COMPLETED, 3, None)] == ["r-004"]


def test_only_what_is_finished_is_forgotten(rows: Rows) -> None:
    for number in range(3):
        rows.add(new_row(number))
    rows.finish("r-000", Status.COMPLETED, {}, None)
    rows.finish("r-001", Status.FAILED, {}, None)

    assert rows.forget(now() - MINUTE) == 0
    assert rows.forget(now() + MINUTE) == 2
    assert rows.find("r-002") is not None


def test_texts_of_all_scripts_are_kept(rows: Rows) -> None:
    rows.add(new_row(1))
    content: dict[str, object] = {"Name": "Köln 東京 🛰 \u0000"}
    rows.finish("r-001", Status.COMPLETED, content, None)
    found = rows.find("r-001")

    assert found is not None
    assert found.response == content


def test_another_version_of_the_tables_is_refused(url: str, rows: Rows) -> None:
    engine = connect(url)
    with engine.begin() as connection:
        connection.execute(update(meta_table).values(value="99"))
    engine.dispose()
    rows.close()

    with pytest.raises(ConfigError, match=r"schema 99, this program needs 1"):
        open_rows(url)


def test_a_database_that_cannot_be_opened_is_told_without_its_password() -> None:
    with pytest.raises(ConfigError, match="opendcim-connector-database-url") as refused:
        open_rows("postgresql+psycopg://u:geheim@127.0.0.1:1/x")
    assert "geheim" not in str(refused.value)


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "rows.db").write_text("no database at all, but long enough to look like one")
    with pytest.raises(ConfigError, match="cannot be opened"):
        open_rows(f"sqlite:///{tmp_path}/rows.db")


def test_a_database_that_is_lost_is_an_error_that_says_which(tmp_path: Path) -> None:
    rows = open_rows(f"sqlite:///{tmp_path}/rows.db")
    rows.close()
    for file in tmp_path.iterdir():
        file.unlink()
    try:
        with pytest.raises(SyncError, match=r"rows.db cannot be used now: no such table"):
            rows.pending()
    finally:
        rows.close()
