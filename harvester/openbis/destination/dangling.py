"""References of a list to entities that it does not contain."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, text


@dataclass(frozen=True, slots=True, kw_only=True)
class Dangling:
    """An entity names another one that is not in the list, because of the filter or of rights."""

    kind: str
    perm_id: str
    reference: str
    target: str


def dangling(connection: Connection) -> Iterator[Dangling]:
    """All references to entities that the list does not contain."""
    queries = _DANGLING_LINKS, _DANGLING_PROJECTS, _DANGLING_EXPERIMENTS, _DANGLING_SAMPLES
    for query in queries:
        for kind, perm_id, reference, target in connection.execute(text(query)):
            yield Dangling(kind=kind, perm_id=perm_id, reference=reference, target=target)


_DANGLING_LINKS = """
SELECT l.kind, l.from_perm_id, l.relation, l.to_perm_id FROM incoming_link AS l
 WHERE NOT EXISTS (SELECT 1 FROM incoming_entity AS e
                    WHERE e.kind = l.kind AND e.perm_id = l.to_perm_id)
 ORDER BY 1, 2, 3, 4
"""

_DANGLING_PROJECTS = """
SELECT o.kind, o.perm_id, 'project', o.target FROM incoming_outward AS o
  JOIN incoming_entity AS i ON i.kind = o.kind AND i.perm_id = o.perm_id
 WHERE o.target_kind = 'PROJECT' AND i.project IS NOT NULL
 ORDER BY 1, 2
"""

_DANGLING_EXPERIMENTS = """
SELECT i.kind, i.perm_id, 'experiment', i.experiment FROM incoming_entity AS i
 WHERE i.experiment IS NOT NULL
   AND NOT EXISTS (SELECT 1 FROM incoming_entity AS e
                    WHERE e.kind = 'EXPERIMENT' AND e.identifier = i.experiment)
 ORDER BY 1, 2
"""

_DANGLING_SAMPLES = """
SELECT i.kind, i.perm_id, 'sample', i.sample FROM incoming_entity AS i
 WHERE i.sample IS NOT NULL
   AND NOT EXISTS (SELECT 1 FROM incoming_entity AS e
                    WHERE e.kind = 'SAMPLE' AND e.identifier = i.sample)
 ORDER BY 1, 2
"""
