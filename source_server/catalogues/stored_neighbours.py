"""The steps from an entity of a store to others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType

from shared.model.kinds import Kind, Relation
from shared.store.neighbour_queries import NeighbourQueries
from shared.store.scope_queries import Rows
from source_server.publication.catalogue import Place, Step

_Ask = Callable[[NeighbourQueries, Kind, Sequence[str]], Rows]
_KINDS = {kind.value: kind for kind in Kind}


def stored_neighbours(
    queries: NeighbourQueries, kind: Kind, perm_ids: Sequence[str], step: Step
) -> Iterable[Place]:
    """See `source_server.publication.catalogue.Snapshot.neighbours`."""
    rows = _STEPS[step](queries, kind, perm_ids)
    return (Place(_KINDS[row[0]], *row[1:]) for row in rows)


def _related(relation: Relation, *, upwards: bool) -> _Ask:
    def ask(queries: NeighbourQueries, kind: Kind, perm_ids: Sequence[str]) -> Rows:
        return queries.related(kind, perm_ids, relation, upwards=upwards)

    return ask


_STEPS: Mapping[Step, _Ask] = MappingProxyType(
    {
        Step.ITSELF: NeighbourQueries.themselves,
        Step.ABOVE: NeighbourQueries.above,
        Step.BELOW: NeighbourQueries.below,
        Step.NAMED: NeighbourQueries.named,
        Step.PARENTS: _related(Relation.CHILD, upwards=True),
        Step.CHILDREN: _related(Relation.CHILD, upwards=False),
        Step.CONTAINERS: _related(Relation.COMPONENT, upwards=True),
        Step.COMPONENTS: _related(Relation.COMPONENT, upwards=False),
    }
)
