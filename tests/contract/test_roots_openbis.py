"""What roots lead to in real openBIS databases, compared with a naive model of it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.errors import NotNowError
from shared.model.entities import Entity
from shared.model.ids import PermId
from shared.model.kinds import ENTITY_KINDS, Kind
from shared.model.master_data import DataType
from shared.model.unknown import Reason
from shared.resourcesync.roots import RootKind
from shared.resourcesync.v20.version import V20
from source_server.catalogues.openbis.catalogue import OpenBisCatalogue
from source_server.publication.catalogue import Scope, Snapshot
from source_server.publication.expansion import expand
from source_server.publication.peers import Peers
from source_server.publication.published import Publication, everything
from source_server.publication.resource_list import resource_list
from source_server.publication.roots import NO_ROOTS, Flag, Root, Roots
from source_server.publication.selection import Selection
from source_server.publication.service_files import ServiceFiles
from source_server.settings.choices import PeerFormat
from tests.conftest import LoadOpenBis, OpenCatalogue
from tests.support.instances.resource_lists import ADDRESSES
from tests.support.instances.roots_model import Key, Model, key_of, root_of
from tests.support.openbis7_parser import parsed
from tests.support.openbis_made import database

CHOICES: tuple[frozenset[Flag], ...] = (
    frozenset(),
    frozenset({Flag.PARENTS, Flag.CHILDREN}),
    frozenset({Flag.BELOW}),
    frozenset({Flag.BELOW, Flag.PARENTS, Flag.CHILDREN}),
    frozenset(Flag),
)


@pytest.fixture(params=[f"{database.PREFIX}{database.RICHEST}", "x192_features", "x213_features"])
def catalogue(
    request: pytest.FixtureRequest, load_openbis: LoadOpenBis, open_catalogue: OpenCatalogue
) -> OpenBisCatalogue:
    return open_catalogue(load_openbis(request.param))


def a_model(snapshot: Snapshot, scope: Scope) -> Model:
    entities = [
        entity
        for kind in ENTITY_KINDS
        if kind is not Kind.MATERIAL
        for entity in snapshot.entities(kind, scope)
        if not entity.is_afs
    ]
    definitions = snapshot.master_data().property_types
    of_samples = [each.code for each in definitions if each.data_type is DataType.SAMPLE]
    return Model(entities=entities, of_samples=of_samples)


def some_roots(entities: list[Entity]) -> Iterator[list[Entity]]:
    """Each place alone, many samples and data sets alone, and some mixtures."""
    chance = random.Random(213)  # noqa: S311 - no secret
    places = [each for each in entities if each.kind in {Kind.SPACE, Kind.PROJECT, Kind.EXPERIMENT}]
    others = [each for each in entities if each not in places]
    for entity in [*chance.sample(places, 8), *chance.sample(others, 8)]:
        yield [entity]
    for _ in range(4):
        yield chance.sample(entities, 4)


def expanded(snapshot: Snapshot, scope: Scope, roots: Roots) -> set[Key]:
    chosen = expand(snapshot, scope, roots, snapshot.master_data())
    return {(kind, perm_id) for kind, its in chosen.members.items() for perm_id in its}


def test_roots_lead_to_what_the_model_says(catalogue: OpenBisCatalogue) -> None:
    with catalogue.snapshot() as snapshot:
        scope = Scope(spaces=frozenset(snapshot.space_codes()))
        model = a_model(snapshot, scope)
        several = {
            key_of(each)
            for each in model.entities
            if any(mark.reason is Reason.SEVERAL_VALUES for mark in each.unknown)
        }
        for entities in some_roots(model.entities):
            roots = tuple(map(root_of, entities))
            for flags in CHOICES:
                found = expanded(snapshot, scope, Roots(roots=roots, flags=flags, is_asked=True))
                said = model.closure(roots, flags)
                assert said <= found, (roots, flags)
                # The walk knows all values of a property, even if a list cannot show them.
                assert found == said or found & several, (roots, flags)


def a_publication(catalogue: OpenBisCatalogue, afs_url: str | None = None) -> Publication:
    whole = Publication(
        catalogue=catalogue,
        addresses=ADDRESSES,
        service_files=ServiceFiles(Path("/nowhere"), inline_limit=0),
        wire_format=V20,
    )
    return Peers(peer_format=PeerFormat.OPENBIS_7, afs_url=afs_url).answered(whole, NO_ROOTS)


def all_spaces(catalogue: OpenBisCatalogue) -> Selection:
    with catalogue.snapshot() as snapshot:
        spaces = snapshot.space_codes()
    roots = tuple(Root(RootKind.SPACE, PermId(code)) for code in spaces)
    return Selection(roots=Roots(roots=roots, flags=frozenset(Flag), is_asked=True))


def test_a_harvester_of_openbis_7_takes_the_list_of_all_spaces(catalogue: OpenBisCatalogue) -> None:
    selection = all_spaces(catalogue)
    document = b"".join(resource_list(a_publication(catalogue), everything, selection))
    found = parsed(document)

    with catalogue.snapshot() as snapshot:
        scope = everything(snapshot)
        for kind in (Kind.SPACE, Kind.PROJECT, Kind.EXPERIMENT):
            known = {each.perm_id for each in snapshot.entities(kind, scope)}
            assert found.perm_ids(kind.value) == known
    assert len(found.perm_ids("SAMPLE")) > 10


def test_a_list_that_would_have_to_show_afs_data_is_refused(
    load_openbis: LoadOpenBis, open_catalogue: OpenCatalogue
) -> None:
    catalogue = open_catalogue(load_openbis("x213_features"))
    publication = a_publication(catalogue, "http://localhost/afs-server")
    with pytest.raises(NotNowError, match="cannot be listed now"):
        next(resource_list(publication, everything, all_spaces(catalogue)))
