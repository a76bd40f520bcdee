"""Completes what depends on the whole list, once its rows are in the incoming tables."""

from __future__ import annotations

from sqlalchemy import Connection, text

from shared.store.doubles import SetApart, set_doubles_apart
from shared.store.identity import refer


def complete(connection: Connection) -> SetApart:
    """Gives components, AFS data and data sets what only other entries say, sets apart what the
    list has twice, and resolves its references. Rows that lack nothing are not touched."""
    connection.execute(text(_COMPONENT_IDENTIFIERS))
    connection.execute(text(_AFS_OWNERS))
    doubles = set_doubles_apart(connection)
    connection.execute(text(_DATA_SET_HOMES))
    refer(connection)
    return doubles


_COMPONENT_IDENTIFIERS = """
UPDATE incoming_entity
   SET identifier = substr(incoming_entity.identifier, 1,
                           length(incoming_entity.identifier) - length(incoming_entity.code))
                    || container.code || ':' || incoming_entity.code
  FROM incoming_link AS l
  JOIN incoming_entity AS container ON container.kind = 'SAMPLE'
                                   AND container.perm_id = l.from_perm_id
 WHERE l.kind = 'SAMPLE' AND l.relation = 'Component'
   AND l.to_perm_id = incoming_entity.perm_id AND incoming_entity.kind = 'SAMPLE'
"""

# The entry of a component does not say in which container it lies, nor do the AFS data in it.
_AFS_OWNERS = """
UPDATE incoming_entity SET sample = owner.identifier
  FROM incoming_entity AS owner
 WHERE incoming_entity.kind = 'DATA_SET' AND incoming_entity.afs IS NOT NULL
   AND incoming_entity.sample <> owner.identifier
   AND owner.kind = 'SAMPLE' AND owner.perm_id = incoming_entity.perm_id
"""

_DATA_SET_HOMES = """
UPDATE incoming_entity SET home_project = owner.home_project
  FROM incoming_entity AS owner
 WHERE incoming_entity.kind = 'DATA_SET' AND incoming_entity.experiment IS NULL
   AND owner.kind = 'SAMPLE' AND owner.identifier = incoming_entity.sample
   AND coalesce(incoming_entity.home_project, '') <> coalesce(owner.home_project, '')
"""
