"""Step 2: brings the templates of subscribed manufacturers to the repository's state.

Each template is one transaction. Templates that are kept local stay as they are. So do those that
are marked as shared, or were submitted while the repository still has its state of that time:
otherwise a local correction would be undone before it can be approved. New ones are added; those
that are gone in the repository stay, and are reported.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from harvester.runs.report import Outcome, Verb
from opendcim.records.records import Template
from opendcim.records.texts import folded
from opendcim.sync.installation.comparing import FieldChange, differences
from opendcim.sync.installation.installed import LocalManufacturer, LocalTemplate, names, storable
from opendcim.sync.one_pass import Pass
from opendcim.sync.repository.lists import TEMPLATE
from opendcim.sync.steps.merging import merged
from shared.errors import ItemError

_MOST_NAMED = 20


def pull_subscriptions(run: Pass) -> Outcome:
    outcome = run.outcome()
    with run.transaction():
        subscribed = [one for one in run.installation.manufacturers() if run.is_subscribed(one)]
    if not subscribed:
        outcome.remark("no manufacturer is subscribed that the repository knows; nothing is pulled")
    kept: list[str] = []
    waiting: list[str] = []
    for manufacturer in sorted(subscribed, key=lambda one: one.global_id):
        if not run.source.has(manufacturer.global_id):
            outcome.remark(f"{manufacturer.name}: subscribed, but not in the bundle")
            continue
        with run.transaction():
            local = run.installation.templates(manufacturer.manufacturer_id)
        pull = _Pull(run=run, manufacturer=manufacturer, local=local, outcome=outcome)
        pull.all(run.source.templates(manufacturer.global_id).values)
        kept += pull.kept
        waiting += pull.waiting
    outcome.note(Verb.SKIPPED, TEMPLATE, [*kept, *waiting])
    if kept:
        outcome.remark(f"kept as they are here (KeepLocal): {_named(kept)}")
    if waiting:
        outcome.remark(f"kept until the repository has decided on them: {_named(waiting)}")
    return outcome


@dataclass(slots=True, kw_only=True)
class _Pull:
    """The pull of one manufacturer."""

    run: Pass
    manufacturer: LocalManufacturer
    local: list[LocalTemplate]
    outcome: Outcome
    # The repository's ids of all templates of this manufacturer.
    listed: frozenset[int] = frozenset()
    kept: list[str] = field(default_factory=list)
    # Templates to be submitted, or submitted and not decided.
    waiting: list[str] = field(default_factory=list)

    def all(self, theirs: Iterable[Template]) -> None:
        listed = sorted(theirs, key=lambda one: one.template_id)
        self.listed = frozenset(one.template_id for one in listed)
        for one in listed:
            self.run.limits.check()
            try:
                self._pull(one)
            except ItemError as error:
                self.outcome.fail(error)
            self.run.limits.progressed()
            self.run.progress.advance(1)
        self._tell_vanished()

    def _pull(self, theirs: Template) -> None:
        mine = self._mine(theirs)
        if mine and self._is_kept(mine):
            self.kept.append(f"{self.manufacturer.name}/{mine.model}")
            return
        if mine and self._is_waiting(mine, theirs):
            # Step 3 may keep this time: a later one then shows that the repository has decided.
            self.run.seen[mine.template_id] = theirs.last_modified
            self.waiting.append(f"{self.manufacturer.name}/{mine.model}")
            return
        # Pictures come after both questions, so those of protected templates are not touched.
        before = mine.record if mine else Template(manufacturer_id=0, model=theirs.model)
        shown = self.run.pictures.names(theirs, before, self.outcome)
        wanted = self._store(mine, theirs, shown)
        if wanted:
            # The row is committed: a crash here leaves a file too many, never a row without file.
            self.run.pictures.tidy(before, wanted)

    def _mine(self, theirs: Template) -> LocalTemplate | None:
        """The local template, by id, else by model. Raises `ItemError` if there are two."""
        linked = next((one for one in self.local if one.global_id == theirs.template_id), None)
        key = folded(theirs.model)
        named = next((one for one in self.local if folded(one.model) == key), None)
        reason = None
        if linked and named and named is not linked:
            reason = (
                f"is TemplateID {linked.template_id} ({linked.model!r}) here, and cannot be renamed"
                f" since TemplateID {named.template_id} has that model; rename or delete one of "
                "them in openDCIM"
            )
        elif named and not linked and named.global_id in self.listed:
            reason = (
                f"the repository has this model twice, as {named.global_id} and "
                f"{theirs.template_id}; tell its moderators"
            )
        if reason:
            raise ItemError(TEMPLATE, f"{self.manufacturer.name}/{theirs.model}", reason)
        return linked or named

    def _is_kept(self, mine: LocalTemplate) -> bool:
        return mine.kept or self._is_listed(mine, self.run.config.keep_local)

    def _is_waiting(self, mine: LocalTemplate, theirs: Template) -> bool:
        known = self.run.memory.submission(mine.template_id)
        accepted = known is not None and known.accepted
        # A mark in openDCIM is cleared after the submission; a name in the settings stays there, so
        # it counts only until the submission is accepted.
        if mine.shared or (not accepted and self._is_listed(mine, self.run.config.share)):
            return True
        # Without a time no change could be seen, and the template would wait for ever.
        return bool(known and accepted and known.published == theirs.last_modified != "")

    def _is_listed(self, mine: LocalTemplate, listed: Iterable[str]) -> bool:
        return (folded(self.manufacturer.name), folded(mine.model)) in names(listed)

    def _store(
        self, mine: LocalTemplate | None, theirs: Template, shown: Template
    ) -> Template | None:
        """The template as it is now; None if it needed no change. This is checked without a
        transaction, since most templates are unchanged."""
        run, name = self.run, f"{self.manufacturer.name}/{theirs.model}"
        if mine and not _is_to_be_changed(run, mine, theirs, shown):
            return None
        with run.one(TEMPLATE, name):
            # An operator may have changed the template since the list was read.
            now = run.installation.template(mine.template_id) if mine else None
            wanted = _wanted(run, now, theirs, shown)
            changes = differences(now.record if now else None, wanted)
            if now is None:
                kept = run.config.keep_local_default
                maker = self.manufacturer.manufacturer_id
                number = run.storing.add_template(maker, wanted, changes, kept=kept)
            else:
                number = now.template_id
                run.storing.change_template(now, wanted, changes)
            after = run.installation.template(number)
        self.local = [one for one in self.local if one is not mine]
        self.local += [after] if after else []
        self.outcome.note(Verb.UPDATED if now else Verb.CREATED, TEMPLATE, [name])
        run.report_plan(self.outcome, _lines(name, now, theirs, changes))
        return wanted

    def _tell_vanished(self) -> None:
        linked = (one for one in self.local if one.global_id)
        gone = [one.model for one in linked if one.global_id not in self.listed]
        if gone:
            maker = self.manufacturer.name
            self.outcome.remark(f"{maker}: no longer at the repository, and kept: {_named(gone)}")


def _is_to_be_changed(run: Pass, mine: LocalTemplate, theirs: Template, shown: Template) -> bool:
    is_linked = mine.global_id == theirs.template_id
    return not is_linked or bool(differences(mine.record, _wanted(run, mine, theirs, shown)))


def _wanted(run: Pass, now: LocalTemplate | None, theirs: Template, shown: Template) -> Template:
    record = merged(now.record if now else None, theirs, run.units)
    return storable(
        run.database,
        _with_pictures(record, shown),
    )


def _with_pictures(record: Template, shown: Template) -> Template:
    return replace(
        record,
        front_picture_file=shown.front_picture_file,
        rear_picture_file=shown.rear_picture_file,
    )


def _lines(
    name: str, now: LocalTemplate | None, theirs: Template, changes: Iterable[FieldChange]
) -> list[str]:
    if now is None:
        return [f"{name}: new, GlobalID {theirs.template_id}", *_change_lines(name, changes)]
    link = f"{name}: GlobalID: {now.global_id} -> {theirs.template_id}"
    linked = [] if now.global_id == theirs.template_id else [link]
    return [*linked, *_change_lines(name, changes)]


def _change_lines(name: str, changes: Iterable[FieldChange]) -> list[str]:
    return [f"{name}: {change}" for change in changes]


def _named(listed: list[str]) -> str:
    more = f" and {len(listed) - _MOST_NAMED} more" if len(listed) > _MOST_NAMED else ""
    return ", ".join(listed[:_MOST_NAMED]) + more
