"""What is on its way into the data store.

A file lies in its place before its row is committed. So a note is written here before the file
comes, and is removed with the commit of the row. Thus the next run finds, and sets aside, what a
killed run has brought and no row names. Notes are written in the writer's lock, in which other
sections remove files that nothing names: no section removes what another one is bringing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from shared.store.statements import Rows, SqlFile, execute_from, statements

# Areas: of data sets, by code; of contents of attachments, by SHA-256; and of files of the file
# service, by path.
DATA_SET, ATTACHMENT, FILE = "DATA_SET", "ATTACHMENT", "FILE"

_FILE = SqlFile("harvester.openbis.destination", "arrivals.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """Another section with a file of the same path, which is here, or else on its way."""

    source: str
    sha256: str
    is_here: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Abandoned:
    """Something that will not come any more. ``needed``: something of that name is here all the
    same and must stay; only what is half written is removed."""

    area: str
    name: str
    needed: bool


def announce(
    connection: Connection, source: str, area: str, names: Collection[str], content: str = ""
) -> None:
    """Note that something of these names may lie in the data store from now on. ``content`` is the
    SHA-256 of a file whose name does not tell its content."""
    _for_each(connection, "announce", source, area, names, content=content)


def announce_stored(connection: Connection, source: str, codes: Collection[str]) -> None:
    """The same, only for data sets that this section has brought before."""
    (one,) = statements(_FILE)["announce_stored_data_set"]
    if codes:
        connection.execute(one, [{"source": source, "code": code} for code in sorted(codes)])


def announce_attachments(connection: Connection, source: str) -> None:
    """Announce the contents of all attachments that the list has and their holders here do not
    have."""
    execute_from(connection, _FILE, "announce_attachments", source=source)


def forget_arrivals(connection: Connection, source: str, area: str, names: Collection[str]) -> None:
    """Remove the notes: their rows are written in this transaction, or nothing of them has come."""
    _for_each(connection, "arrived", source, area, names)


def announced(connection: Connection, source: str, area: str) -> frozenset[str]:
    """The names of what this section was or is bringing."""
    rows = execute_from(connection, _FILE, "announced", source=source, area=area)
    return frozenset(rows.scalars())


def interrupted_data_sets(connection: Connection, source: str) -> frozenset[str]:
    """Codes of data sets that are here and whose files a killed run may have replaced already."""
    rows = execute_from(connection, _FILE, "interrupted_data_sets", source=source)
    return frozenset(rows.scalars())


def unwritten_data_sets(connection: Connection, source: str) -> frozenset[str]:
    """The same, whether or not the list has them: for use before a list is read."""
    rows = execute_from(connection, _FILE, "unwritten_data_sets", source=source)
    return frozenset(rows.scalars())


def interrupted_service_files(connection: Connection, source: str) -> Sequence[Any]:
    """The same for the file service, as rows of ``service_files``."""
    return execute_from(connection, _FILE, "interrupted_service_files", source=source).all()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hindrances:
    """Reasons why data sets that have arrived must not be put in place, with the section concerned:
    it has registered them meanwhile, or its files still have to leave their places. The database
    knows nothing of what lies in ``unknown_places``, so it must not be lost."""

    owners: dict[str, str]
    moves: dict[str, str]
    unknown_places: frozenset[str]


def hindrances(connection: Connection, source: str) -> Hindrances:
    """The hindrances of data sets that the plan has as new or changed. Call it in the transaction
    that puts them in place: earlier answers may be out of date."""
    owners = execute_from(connection, _FILE, "owners_of_arrived", source=source)
    moves = execute_from(connection, _FILE, "places_of_arrived")
    unknown = execute_from(connection, _FILE, "unknown_places").scalars()
    return Hindrances(
        owners={str(code): str(owner) for code, owner in owners},
        moves={str(code): str(section) for code, section in moves},
        unknown_places=frozenset(map(str, unknown)),
    )


def place_of_file(connection: Connection, path: str) -> str | None:
    """The section whose file of that path has still to be moved away or back; None if there is
    none."""
    who = execute_from(connection, _FILE, "place_of_file", path=path).scalar_one()
    return None if who is None else str(who)


def rivals(connection: Connection, source: str, path: str) -> list[Rival]:
    """Other sections with a file of a path of the file service; those with a row come first."""
    rows = execute_from(connection, _FILE, "rivals", source=source, path=path)
    return [Rival(source=row.source, sha256=row.sha256, is_here=bool(row.is_here)) for row in rows]


def keep_service_file(connection: Connection, **values: object) -> Rows:
    """Write the row of a file of the file service, unless another section has a file of that
    path."""
    return execute_from(connection, _FILE, "keep_service_file", **values)


def drop_abandoned(
    connection: Connection,
    source: str,
    abandon: Callable[[Abandoned], None],
    moved: Callable[[], None],
) -> None:
    """Clear away what this section was bringing and its list, in the incoming tables, does not have
    any more. What the list cannot show now may still exist, so it waits. ``abandon`` clears one
    item away, and ``moved`` is called after each. The caller opens the transaction and holds the
    section's lock."""
    for area, name, needed in execute_from(connection, _FILE, "abandoned", source=source).all():
        abandon(Abandoned(area=area, name=name, needed=bool(needed)))
        forget_arrivals(connection, source, area, (name,))
        moved()


def _for_each(
    connection: Connection,
    section: str,
    source: str,
    area: str,
    names: Collection[str],
    **values: str,
) -> None:
    (one,) = statements(_FILE)[section]
    if names:
        same = {"source": source, "area": area, **values}
        connection.execute(one, [{"name": name, **same} for name in sorted(names)])
