"""Reads a catalogue over openBIS whole: what an instance admin would be shown."""

from __future__ import annotations

from shared.model.entities import Entity
from shared.model.ids import Code
from shared.model.kinds import Kind
from shared.model.master_data import MasterData
from source_server.publication.catalogue import Catalogue, Scope

# The spaces of the given databases of openBIS's unit tests, of x192_features too.
ALL_SPACES = Scope(spaces=frozenset(map(Code, ("CISD", "TEST-SPACE", "TESTGROUP"))))


def entities(catalogue: Catalogue, kind: Kind, *spaces: str) -> dict[str, Entity]:
    """By perm id; of all spaces if none is named."""
    with catalogue.snapshot() as snapshot:
        scope = Scope(spaces=frozenset(map(Code, spaces)) or frozenset(snapshot.space_codes()))
        return {str(entity.perm_id): entity for entity in snapshot.entities(kind, scope)}


def master_data(catalogue: Catalogue) -> MasterData:
    with catalogue.snapshot() as snapshot:
        return snapshot.master_data()
