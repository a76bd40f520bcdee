"""What roots lead to in a store, on both of its databases, compared with a naive model of it."""

from __future__ import annotations

import pytest

from shared.model.ids import Code, Identifier
from shared.model.kinds import ENTITY_KINDS, Kind
from source_server.catalogues.embedded import EmbeddedCatalogue
from source_server.publication.catalogue import Scope
from source_server.publication.expansion import expand
from source_server.publication.roots import Flag, Roots
from tests.support.instances.full_instance import a_full_instance
from tests.support.instances.instance import Instance
from tests.support.instances.roots_model import Model, root_of

SCOPES = (
    Scope(spaces=frozenset({Code("ALPHA"), Code("BETA")})),
    Scope(projects=frozenset({Identifier("/ALPHA/KITCHEN")})),
)
CHOICES = (frozenset[Flag](), frozenset({Flag.BELOW}), frozenset({Flag.PARENTS}), frozenset(Flag))


@pytest.mark.parametrize("scope", SCOPES)
def test_each_root_leads_to_what_the_model_says(instance: Instance, scope: Scope) -> None:
    a_full_instance(instance)
    catalogue = EmbeddedCatalogue(
        instance.engine,
        store_root=instance.root / "store",
        service_root=instance.root / "file-service",
    )
    with catalogue.snapshot() as snapshot:
        kinds = [kind for kind in ENTITY_KINDS if kind is not Kind.MATERIAL]
        entities = [each for kind in kinds for each in snapshot.entities(kind, scope)]
        model = Model(entities=entities, of_samples=["FRIEND"])
        for entity in entities:
            for flags in CHOICES:
                roots = Roots(roots=(root_of(entity),), flags=flags, is_asked=True)
                chosen = expand(snapshot, scope, roots, snapshot.master_data())
                found = {(kind, each) for kind, its in chosen.members.items() for each in its}
                assert found == model.closure(roots.roots, flags), (entity.perm_id, flags)
