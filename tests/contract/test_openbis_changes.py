"""The changes of an openBIS database lead from an earlier list to the present one."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import make_url

from shared.model.kinds import Kind
from source_server.catalogues.openbis.catalogue import (
    OpenBisAccess,
    OpenBisCatalogue,
    open_openbis,
)
from source_server.catalogues.openbis.files import FileLists
from source_server.publication.catalogue import Scope
from source_server.publication.changes import CursorError
from tests.conftest import LoadOpenBis, OpenCatalogue
from tests.support.openbis.changing import (
    can_be_told,
    changes,
    everything_of,
    listed,
    readers_of,
)
from tests.support.openbis.examples import MADE, unpack_given_store
from tests.support.openbis.histories import DEFINITIONS, HISTORY
from tests.support.servers.postgres import Postgres, connected_to, run

_DATABASES = ("made_192", "made_213", "x192_features", "x213_features")

Opened = tuple[str, OpenBisCatalogue]


@pytest.fixture
def opened(
    copy_openbis: LoadOpenBis, open_catalogue: OpenCatalogue, tmp_path: Path
) -> Callable[[str], Opened]:
    """Opens a copy of a database, whose states are kept, with its data store."""

    def open_it(name: str) -> Opened:
        store = tmp_path / "store"
        store.mkdir()
        if name.startswith("made"):
            MADE.fill_store(store)
        else:
            unpack_given_store(f"{name.partition('_')[0]}_store", store)
        url, states = copy_openbis(name), tmp_path / "states.db"
        return url, open_catalogue(url, store_root=store, access=OpenBisAccess(states=states))

    return open_it


@pytest.mark.parametrize("database", _DATABASES)
def test_a_history_is_followed_from_step_to_step_and_from_its_beginning(
    opened: Callable[[str], Opened], database: str
) -> None:
    url, catalogue = opened(database)
    readers = readers_of(catalogue)
    first = last = listed(catalogue, *readers)
    for what, statements in HISTORY.items():
        run(url, *statements)
        last = listed(catalogue, *readers, since=(first, last))
        assert last.faults == [], what


@pytest.mark.parametrize("what", DEFINITIONS)
def test_no_changes_are_told_since_a_definition_was_another(
    opened: Callable[[str], Opened], what: str
) -> None:
    url, catalogue = opened("made_213")
    before = listed(catalogue)
    run(url, *DEFINITIONS[what])

    assert not can_be_told(catalogue, before.cursor)
    assert can_be_told(catalogue, listed(catalogue).cursor)


def test_the_changes_of_a_transaction_that_ends_after_the_cursor_are_told(
    opened: Callable[[str], Opened],
) -> None:
    """Its number is lower than those that the cursor has seen."""
    url, catalogue = opened("made_213")
    everything = everything_of(catalogue)
    with connected_to(url) as older:
        older.execute("begin")
        older.execute("update experiments_all set code = 'LATE' where id = 1")
        run(url, "update experiments_all set code = 'EARLY' where id = 2")
        before = listed(catalogue, everything)
        older.execute("commit")
        older.execute("vacuum freeze")
    after = listed(catalogue, everything, since=[before])

    assert after.faults == []
    assert _shown(catalogue, "LATE")
    told = changes(catalogue, before.cursor, everything)
    assert "EXPERIMENT" in {each.kind for each in told}


@pytest.mark.parametrize("vacuum", ["vacuum freeze", "vacuum full", "vacuum analyze"])
def test_a_vacuum_hides_no_change_and_makes_none(
    opened: Callable[[str], Opened], vacuum: str
) -> None:
    url, catalogue = opened("made_213")
    everything = everything_of(catalogue)
    first = listed(catalogue, everything)
    run(url, vacuum)
    assert changes(catalogue, first.cursor, everything) == []

    run(url, *HISTORY["a value is edited"], vacuum)
    assert listed(catalogue, everything, since=[first]).faults == []
    assert changes(catalogue, first.cursor, everything) != []


def test_a_state_is_kept_only_once(opened: Callable[[str], Opened]) -> None:
    url, catalogue = opened("made_213")
    first = listed(catalogue).cursor
    run(url, "create table other (id integer)", "insert into other values (1)")

    assert listed(catalogue).cursor == first
    assert changes(catalogue, first, everything_of(catalogue)) == []


def test_no_changes_are_told_of_a_database_that_was_put_back(
    opened: Callable[[str], Opened], postgres: Postgres, tmp_path: Path
) -> None:
    """The same name, the same rows: but the transactions that wrote them are others."""
    url, catalogue = opened("made_213")
    before = listed(catalogue).cursor
    catalogue.close()
    name = str(make_url(url).database)
    postgres.drop(name)
    postgres.create(name, postgres.openbis_template("made_213"))

    again = open_openbis(
        url, store_root=tmp_path / "store", access=OpenBisAccess(states=tmp_path / "states.db")
    )
    assert not can_be_told(again, before)
    assert can_be_told(again, listed(again).cursor)
    again.close()


def test_no_changes_are_told_of_tables_that_were_put_back(
    opened: Callable[[str], Opened],
) -> None:
    url, catalogue = opened("made_213")
    before = listed(catalogue).cursor
    run(
        url,
        "create table kept as select * from sample_properties",
        "drop table sample_properties",
        "alter table kept rename to sample_properties",
    )

    assert not can_be_told(catalogue, before)


@pytest.mark.parametrize(
    "cursor", ["", "1", "1-", "x-y", f"{2**70}-ab", "٣-ab", "1-0123456789abcdef"]
)
def test_no_changes_are_told_since_an_unknown_cursor(
    opened: Callable[[str], Opened], cursor: str
) -> None:
    _, catalogue = opened("made_213")
    listed(catalogue)

    assert not can_be_told(catalogue, cursor)


def test_no_changes_are_told_when_the_kept_states_are_gone(
    opened: Callable[[str], Opened], tmp_path: Path
) -> None:
    """Nor by a copy of them that was put back: its next states have the same numbers."""
    url, catalogue = opened("made_213")
    states = tmp_path / "states.db"
    first = listed(catalogue).cursor
    shutil.copy(states, tmp_path / "copy.db")
    run(url, *HISTORY["a value is edited"])
    second = listed(catalogue).cursor
    _remove(states)
    shutil.copy(tmp_path / "copy.db", states)
    run(url, *HISTORY["a value is removed, and nothing else is touched"])
    listed(catalogue)

    assert can_be_told(catalogue, first)
    assert not can_be_told(catalogue, second)

    _remove(states)
    assert not can_be_told(catalogue, first)


def test_there_is_no_cursor_where_no_state_can_be_kept(
    opened: Callable[[str], Opened], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _, catalogue = opened("made_213")
    (tmp_path / "states.db").mkdir()

    with catalogue.snapshot() as snapshot:
        assert snapshot.cursor() is None
        assert list(snapshot.entities(Kind.SPACE, Scope(spaces=frozenset(snapshot.space_codes()))))
        with pytest.raises(CursorError, match="cannot be told now"):
            next(snapshot.changes("1-ab", Scope()))
    assert "changes cannot be told" in caplog.text


def test_nothing_is_kept_of_a_look_that_fails(
    opened: Callable[[str], Opened], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the server was killed before the end of it."""
    url, catalogue = opened("made_213")
    everything = everything_of(catalogue)
    first = listed(catalogue, everything)
    run(url, *HISTORY["a value is edited"])
    with monkeypatch.context() as patch, catalogue.snapshot() as snapshot:
        patch.setattr(FileLists, "of_page", _fails)
        with pytest.raises(KeyboardInterrupt):
            snapshot.cursor()

    assert listed(catalogue, everything, since=[first]).faults == []


def test_several_servers_keep_one_history(
    opened: Callable[[str], Opened], open_catalogue: OpenCatalogue, tmp_path: Path
) -> None:
    url, one = opened("made_213")
    access = OpenBisAccess(states=tmp_path / "states.db")
    another = open_catalogue(url, store_root=tmp_path / "store", access=access)
    readers = readers_of(one)
    first = last = listed(one, *readers)
    for server, what in zip((another, one, another), HISTORY, strict=False):
        run(url, *HISTORY[what])
        last = listed(server, *readers, since=[first, last])
        assert last.faults == []


def test_an_older_view_that_is_kept_later_is_compared_as_well(
    opened: Callable[[str], Opened],
) -> None:
    url, catalogue = opened("made_213")
    everything = everything_of(catalogue)
    with catalogue.snapshot() as older:
        run(url, *HISTORY["a value is edited"])
        newer = listed(catalogue, everything)
        cursor = older.cursor()
        told = list(older.changes(newer.cursor, everything))
    assert cursor is not None
    assert told != []
    assert changes(catalogue, cursor, everything) != []


@pytest.mark.parametrize(
    ("hidden", "told"),
    [
        ("revoke execute on function pg_control_system() from public", True),
        ("revoke select on samples_all from {name}", False),
    ],
)
def test_what_a_database_user_may_not_ask_for(
    copy_openbis: LoadOpenBis,
    open_catalogue: OpenCatalogue,
    tmp_path: Path,
    hidden: str,
    *,
    told: bool,
) -> None:
    """Without a table there are no changes, but lists as before."""
    url, name = copy_openbis("made_213"), f"reader_{secrets.token_hex(4)}"
    run(
        url,
        f"create role {name} login",
        f"grant pg_read_all_stats to {name}",
        f"grant select on all tables in schema public to {name}",
        hidden.format(name=name),
    )
    address = str(make_url(url).set(username=name).render_as_string())
    catalogue = open_catalogue(address, access=OpenBisAccess(states=tmp_path / "states.db"))
    try:
        with catalogue.snapshot() as snapshot:
            assert (snapshot.cursor() is not None) == told
            scope = Scope(spaces=frozenset(snapshot.space_codes()))
            assert list(snapshot.entities(Kind.SAMPLE, scope))
    finally:
        catalogue.close()
        run(url, f"drop owned by {name}", f"drop role {name}")


def _fails(*_: object) -> None:
    raise KeyboardInterrupt


def _shown(catalogue: OpenBisCatalogue, code: str) -> bool:
    with catalogue.snapshot() as snapshot:
        scope = Scope(spaces=frozenset(snapshot.space_codes()))
        return any(each.code == code for each in snapshot.entities(Kind.EXPERIMENT, scope))


def _remove(states: Path) -> None:
    for file in states.parent.glob(f"{states.name}*"):
        file.unlink()
