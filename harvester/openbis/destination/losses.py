"""What updates would lose: files, attachments and copies that were harvested and that a list does
not show any more, or shows differently.

A list cannot say that something is gone for ever; it only does not show it. So a loss is judged
like a deletion: it is not done where deletions are forbidden, it is held back when in doubt, and
before it is done, a copy of what was here goes to the trash.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection

from shared.store.changes import Action, counts
from shared.store.loss_kinds import Loss
from shared.store.statements import Rows, SqlFile, execute_from

_FILE = SqlFile("harvester.openbis.destination", "losses.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class LostPart:
    """One part that a list does not show as it was brought."""

    kind: Loss
    perm_id: str
    name: str
    problem: str

    @property
    def thing(self) -> str:
        """The kind of the item that loses the part."""
        return self.kind.removesuffix("_CONTENT").removesuffix("_ATTACHMENTS")

    def __str__(self) -> str:
        match self.problem:
            case "kind":
                return f"it had files, and is listed as {self.name} now"
            case "copy":
                return f"content copy {self.name} was brought, and is not listed any more"
        what = "attachment" if self.kind.endswith("_ATTACHMENTS") else "file"
        if self.problem == "missing":
            return f"{what} {self.name} was brought, and is not listed any more"
        how = "shorter" if self.problem == "smaller" else "with another content"
        return f"{what} {self.name} is listed {how} than it was brought"


def find_losses(connection: Connection, source: str) -> None:
    """Add to the plan, as gone, what its updates would lose. Call `complete_unknown` first."""
    _execute(connection, "new_losses")
    _execute(connection, "find_losses", source=source)


def losses(connection: Connection) -> Iterator[LostPart]:
    """All losses that were found, part by part."""
    for kind, perm_id, name, problem in _execute(connection, "losses").all():
        yield LostPart(kind=Loss(kind), perm_id=perm_id, name=name, problem=problem)


def loss_count(connection: Connection, action: Action) -> int:
    """The number of losses planned for an action."""
    found = counts(connection).items()
    return sum(n for (kind, planned), n in found if isinstance(kind, Loss) and planned == action)


def new_contents_count(connection: Connection, source: str) -> int:
    """The number of data sets that would lose something, other than by edits of AFS data, and were
    not judged before."""
    return int(_execute(connection, "new_contents_count", source=source).scalar_one())


def vanished_service_files(connection: Connection, source: str) -> int:
    """The number of files of the file service that are newly gone, if it is all of them."""
    return int(_execute(connection, "vanished_service_files", source=source).scalar_one())


def hold_contents(connection: Connection, source: str) -> None:
    """Hold back what data sets would lose: in openBIS they never lose anything. Edits of AFS data
    are ordinary, and go on."""
    _execute(connection, "hold_contents", source=source)


def spare(connection: Connection) -> None:
    """Take all losses out of the plan, because deletions are forbidden."""
    _execute(connection, "spare")


def keep(connection: Connection) -> None:
    """Give the incoming rows of all that is held back or spared the content of the store.
    `harvester.openbis.destination.unknown_parts.settle` comes after."""
    _execute(connection, "keep")


def choose_lost(connection: Connection) -> None:
    """Fill the table ``snapshot`` with the items of which the plan removes a part."""
    _execute(connection, "choose_lost")


def note_snapshot(connection: Connection, deletion: int) -> None:
    """Note that the copies of the items in ``snapshot`` are parts, and that their files have to
    follow."""
    _execute(connection, "note_snapshot", deletion=deletion)


def _execute(connection: Connection, section: str, /, **values: object) -> Rows:
    return execute_from(connection, _FILE, section, **values)
