"""Step 1: links the installation's manufacturers to the repository's, and takes over their names.

They are matched by the global id, else by name, ignoring case. An unknown one is added without a
subscription. Nothing is deleted, and rows are never merged: where a name would occur twice, a
person has to decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from harvester.runs.report import Outcome, Verb
from opendcim.records.records import Manufacturer
from opendcim.records.texts import folded
from opendcim.sync.installation.installed import LocalManufacturer
from opendcim.sync.one_pass import Pass
from opendcim.sync.repository.lists import MANUFACTURER
from shared.errors import ItemError


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """``local`` is None for a manufacturer to add; ``clash`` says why nothing can be done."""

    theirs: Manufacturer
    local: LocalManufacturer | None = None
    clash: str | None = None


def synchronize_manufacturers(run: Pass) -> Outcome:
    outcome = run.outcome()
    with run.transaction():
        local = run.installation.manufacturers()
        for link in planned(local, run.source.manufacturers().values):
            try:
                _apply(run, link, outcome)
            except ItemError as error:
                outcome.fail(error)
            run.progress.advance(1)
    return outcome


def planned(local: Iterable[LocalManufacturer], remote: Iterable[Manufacturer]) -> Iterator[Link]:
    """The links, in an order in which they can be applied one after the other."""
    here = list(local)
    # If the repository has a name twice, the lower id gets the row, in whatever order they come.
    listed = sorted(remote, key=lambda one: one.manufacturer_id)
    by_id = {one.global_id: one for one in here if one.global_id > 0}
    by_name = {folded(one.name): one for one in here}
    known = {one.manufacturer_id for one in listed}
    for theirs in listed:
        key = folded(theirs.name)
        named, linked = by_name.get(key), by_id.get(theirs.manufacturer_id)
        if clash := _clash(theirs, named, linked, known):
            yield Link(theirs=theirs, clash=clash)
            continue
        mine = linked or named
        yield Link(theirs=theirs, local=mine)
        if mine is not None:
            # A renamed row sets its old name free for a later entry.
            by_name.pop(folded(mine.name), None)
        by_name[key] = by_id[theirs.manufacturer_id] = LocalManufacturer(
            manufacturer_id=mine.manufacturer_id if mine else 0,
            name=theirs.name,
            global_id=theirs.manufacturer_id,
            subscribed=False,
        )


def _clash(
    theirs: Manufacturer,
    named: LocalManufacturer | None,
    linked: LocalManufacturer | None,
    known: set[int],
) -> str | None:
    if not theirs.name or theirs.manufacturer_id <= 0:
        return "has no name or no id at the repository"
    if named is None or named is linked:
        return None
    if linked is not None:
        return (
            f"is {linked.name!r} here (ManufacturerID {linked.manufacturer_id}), and cannot be "
            f"renamed to {theirs.name!r}, since ManufacturerID {named.manufacturer_id} has that "
            "name; move the templates of one to the other in openDCIM, and delete it"
        )
    if named.global_id in known and named.global_id != theirs.manufacturer_id:
        return (
            f"ManufacturerID {named.manufacturer_id} has that name here, but is linked to the "
            f"repository's {named.global_id}; the repository has the name twice, tell its "
            "administrator"
        )
    return None


def _apply(run: Pass, link: Link, outcome: Outcome) -> None:
    theirs, mine = link.theirs, link.local
    if link.clash:
        raise ItemError(MANUFACTURER, theirs.name or str(theirs.manufacturer_id), link.clash)
    if mine and (mine.name, mine.global_id) == (theirs.name, theirs.manufacturer_id):
        return
    with run.connection.begin_nested():
        if mine is None:
            run.storing.add_manufacturer(theirs.name, theirs.manufacturer_id)
        else:
            run.storing.change_manufacturer(mine, theirs.name, theirs.manufacturer_id)
    outcome.note(Verb.UPDATED if mine else Verb.CREATED, MANUFACTURER, [theirs.name])
    run.report_plan(outcome, list(_lines(mine, theirs)))


def _lines(mine: LocalManufacturer | None, theirs: Manufacturer) -> Iterator[str]:
    head = f"manufacturer {(mine.name if mine else theirs.name)!r}"
    if mine is None:
        yield f"{head}: new, GlobalID {theirs.manufacturer_id}, not subscribed"
        return
    if mine.name != theirs.name:
        yield f"{head}: Name: {mine.name!r} -> {theirs.name!r}"
    if mine.global_id != theirs.manufacturer_id:
        yield f"{head}: GlobalID: {mine.global_id} -> {theirs.manufacturer_id}"
