"""The changes of an openBIS database lead from an earlier list to the present one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from source_server.catalogues.openbis.catalogue import OpenBisAccess, OpenBisCatalogue
from tests.conftest import LoadOpenBis, OpenCatalogue
from tests.support.openbis.changing import (
    can_be_told,
    listed,
    readers_of,
)
from tests.support.openbis.examples import MADE, unpack_given_store
from tests.support.openbis.histories import DEFINITIONS, HISTORY
from tests.support.servers.postgres import run

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
