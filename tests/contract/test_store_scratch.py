"""The place for lists and plans on SQLite: without a name, given back, sound after a rollback."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, text

from shared.store.engine import connect, rehearsal, work
from shared.store.scratch import SCHEMA

_INSERT = """
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
INSERT INTO noted SELECT printf('%0100d', i) FROM n
"""


def _fill(connection: Connection) -> None:
    connection.execute(text(f"CREATE TABLE {SCHEMA}.noted (name TEXT PRIMARY KEY)"))
    connection.execute(text(_INSERT))


def _pages(connection: Connection) -> int:
    return int(connection.execute(text(f"PRAGMA {SCHEMA}.page_count")).scalar_one())


def _open_files() -> list[str]:
    return [str(one.readlink()) for one in Path("/proc/self/fd").iterdir() if one.is_symlink()]


def test_it_has_no_name_and_room_is_given_back_with_the_connection(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path}/instance.db")
    with engine.connect() as connection:
        with work(connection) as transaction, transaction():
            _fill(connection)
        assert _pages(connection) * 4096 > 2_000_000
        assert [one.name for one in tmp_path.glob(".*")] == []
        held = [one for one in _open_files() if one.startswith(str(tmp_path / ".openbis-sync-"))]
        assert len(held) == 1
        assert held[0].endswith(" (deleted)")
    with engine.connect() as connection:
        assert _pages(connection) == 0
    engine.dispose()
    assert not any(str(tmp_path) in one for one in _open_files())


def test_what_is_rehearsed_there_leaves_no_trace(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path}/instance.db")
    with engine.connect() as connection:
        with work(connection) as transaction, transaction():
            _fill(connection)
        with rehearsal(connection) as transaction:
            with transaction():
                connection.execute(text(f"CREATE TABLE {SCHEMA}.plan (name TEXT PRIMARY KEY)"))
                connection.execute(text("INSERT INTO plan SELECT name FROM noted"))
            with transaction():
                connection.execute(text("UPDATE noted SET name = name || 'x'"))
                connection.execute(text("DELETE FROM plan WHERE name LIKE '%7%'"))
        with connection.begin():
            found = connection.execute(text("SELECT count(*), max(length(name)) FROM noted")).one()
            assert tuple(found) == (20000, 100)
            tables = connection.execute(text("SELECT name FROM pg_temp.sqlite_master"))
            assert "plan" not in set(tables.scalars())
            check = connection.execute(text(f"PRAGMA {SCHEMA}.integrity_check"))
            assert check.scalars().all() == ["ok"]
    engine.dispose()
