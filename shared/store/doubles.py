"""Finds what a resource list has twice: a perm id, an identifier or a file.

Neither of two such records can be trusted, so neither changes the destination: both are reported as
records that could not be read, with everything that lies in them. One perm id in two kinds is
allowed: openBIS gives its default project, experiment and sample the same one, and references here
name the kind.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, text

from shared.errors import ItemError
from shared.model.kinds import Kind
from shared.store.statements import Rows, SqlFile, execute_from

_FILE = SqlFile("shared.store", "doubles.sql")
_OF_NOTHING = (
    "DELETE FROM {} WHERE position IS NOT NULL"  # otherwise it belongs to the whole list
    " AND position NOT IN (SELECT position FROM incoming_entity)"
)
_PARTS = (
    *("incoming_link", "incoming_data_set_file", "incoming_content_copy"),
    *("incoming_attachment", "incoming_unknown"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetApart:
    """``records`` is how many records of the list are excluded: more than ``faults`` if one record
    occurs several times."""

    faults: tuple[ItemError, ...] = ()
    records: int = 0


def set_doubles_apart(connection: Connection) -> SetApart:
    """Removes from the incoming tables what the list has twice. Call it when their indexes exist
    and components have their identifiers."""
    entities, files = _entities(connection), set_double_files_apart(connection)
    return SetApart(
        faults=(*entities.faults, *files.faults), records=entities.records + files.records
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class InTwoKinds:
    """Entities of two kinds that have one perm id; each is named by kind and identifier."""

    perm_id: str
    one: str
    other: str


def perm_ids_in_two_kinds(connection: Connection) -> Iterator[InTwoKinds]:
    """Such pairs among projects, experiments, samples and data sets of the list, each once; not AFS
    data and their owners."""
    for perm_id, kind, identifier, other_kind, other in _execute(connection, "in_several_kinds"):
        yield InTwoKinds(perm_id=perm_id, one=f"{kind} {identifier}", other=f"{other_kind} {other}")


def _entities(connection: Connection) -> SetApart:
    _execute(connection, "find")
    if not _execute(connection, "any_found").scalar_one():
        return SetApart()
    _execute(connection, "spread")
    faults = tuple(
        ItemError(kind, perm_id, _reason(kind, problem, one, other), waits=True)
        for kind, perm_id, problem, one, other in _execute(connection, "refused")
    )
    records = _execute(connection, "set_apart").rowcount
    for name in _PARTS:
        connection.execute(text(_OF_NOTHING.format(name)))
    return SetApart(faults=faults, records=records)


def set_double_files_apart(connection: Connection) -> SetApart:
    """The same for files of the file service alone."""
    found = _execute(connection, "double_files").all()
    for path, _ in found:
        _execute(connection, "set_file_apart", path=path)
    reason = "the list has this path {} times; correct that on the data source"
    return SetApart(
        faults=tuple(
            ItemError(Kind.FILE, path, reason.format(number), waits=True) for path, number in found
        ),
        records=sum(number for _, number in found),
    )


def _reason(kind: str, problem: str, one: str, other: str) -> str:
    match problem:
        case "twice":
            what = f"the list has this perm id more than once ({one}; {other})"
        case "identifier":
            what = f"the list has the identifier {one} also for {kind} {other}"
        case _:
            return f"it lies in {one} {other}, which the list has twice; see there"
    return f"{what}; nothing of them is taken; correct that on the data source"


def _execute(connection: Connection, section: str, /, **values: object) -> Rows:
    return execute_from(connection, _FILE, section, **values)
