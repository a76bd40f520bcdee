"""Step 3: register and update master data, by the manual's rules (harvester-semantics.md, 3.3).

Additions are always made, updates only with ``master-data-update-allowed`` and only to what this
section owns; assignments and members of type groups are removed only with
``property-unassignment-allowed``. What openBIS ships itself (internal, registered by ``system``) is
neither created nor updated: if it is missing or has another data type here, that is an error, and
all such errors come out together.

What the source does not know (several values, meta data) stays as it is here, and so does what a
list of openBIS 7 never says (patterns, for example). A member of a type group stays, too, if the
list does not say that it has its groups whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace

from harvester.openbis.destination.port.rows import Definition, Key, Stored, flatten
from harvester.openbis.sync_run import SyncRun
from harvester.runs.report import Outcome, Verb
from shared.errors import ConflictError
from shared.model.ids import Code
from shared.model.kinds import Kind
from shared.model.master_data import (
    SYSTEM_USER,
    EntityType,
    MasterData,
    PropertyAssignment,
    PropertyType,
    Term,
    Vocabulary,
)

# Who defined something and when; a difference in these alone is none.
_STAMPS = frozenset({"registrator", "registered", "modified"})
# Fields of which a source may know nothing (None), and what they are where there is nothing.
_NOTHING: Mapping[str, object] = {"multi_value": False, "meta_data": {}}
# Fields of which only lists say something that have all details (`MasterData.is_detailed`).
_DETAILS: Mapping[type[Definition], Sequence[str]] = {
    PropertyType: ("sample_type", "schema", "transformation"),
    PropertyAssignment: ("pattern", "pattern_type", "internal"),
    EntityType: ("internal",),
    Term: ("internal",),
}
_UNLISTED = "definitions of this section that the data source does not list any more; they stay"
# So many letters of a value are shown.
_LONGEST = 100


@dataclass(slots=True)
class MasterDataPlan:
    """What to do to the definitions of the destination."""

    create: dict[Key, Definition] = field(default_factory=dict)
    update: dict[Key, Definition] = field(default_factory=dict)
    remove: list[Key] = field(default_factory=list)
    skipped: list[tuple[Key, str]] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the settings and the list allow, and the section that asks."""

    source: str
    update_allowed: bool
    unassignment_allowed: bool
    # Whether the list names all members of its type groups.
    groups_are_whole: bool = True
    # Why nothing may be removed after this list; None if it may.
    removals_unsafe: str | None = None


def register_master_data(run: SyncRun) -> Outcome:
    outcome = Outcome(verbose=True)  # they are few, and every dry run lists them
    rules = Rules(
        source=run.source,
        update_allowed=run.config.master_data_update_allowed,
        unassignment_allowed=run.config.property_unassignment_allowed,
        groups_are_whole=run.metadata.master_data.type_groups_are_whole,
        removals_unsafe=run.metadata.deletions_unsafe,
    )
    definitions = run.destination.definitions
    stored = definitions.stored()
    incoming = listed(run.metadata.master_data, stored)
    incoming |= undefined(run.metadata.undefined_types, stored)
    plan = plan_master_data(incoming, stored, rules)
    if plan.conflicts:
        raise ConflictError(plan.conflicts)
    definitions.write(plan.create | plan.update)
    definitions.remove(plan.remove)
    _note(outcome, plan, stored)
    lines = list(unlisted(incoming, stored, rules.source))
    if lines and rules.removals_unsafe is None:
        outcome.show(_UNLISTED, lines)
    return outcome


def _note(outcome: Outcome, plan: MasterDataPlan, stored: Mapping[Key, Stored]) -> None:
    for key in plan.create:
        outcome.note(Verb.CREATED, key.kind, (str(key),))
    for key, value in plan.update.items():
        text = f"{key}: {described_differences(stored[key].value, value)}"
        outcome.note(Verb.UPDATED, key.kind, (text,))
    for key in plan.remove:
        outcome.note(Verb.DELETED, key.kind, (str(key),))
    for key, reason in sorted(plan.skipped):
        outcome.note(Verb.SKIPPED, key.kind, (str(key),))
        outcome.remark(f"{key.kind} {key} differs and is left as it is: {reason}")


def listed(master_data: MasterData, stored: Mapping[Key, Stored]) -> dict[Key, Definition]:
    """The definitions of a list. Details of which it says nothing are as they are here."""
    found = flatten(master_data)
    if master_data.is_detailed:
        return found
    return {
        key: _detailed(value, stored[key].value) if key in stored else value
        for key, value in found.items()
    }


def _detailed(value: Definition, present: Definition) -> Definition:
    here = {name: getattr(present, name) for name in _DETAILS.get(type(value), ())}
    return replace(value, **{name: it for name, it in here.items() if not getattr(value, name)})


def undefined(
    data_set_types: Iterable[Code], stored: Mapping[Key, Stored]
) -> dict[Key, Definition]:
    """The definitions of types that the list uses and does not define: those that are here, with
    their assignments, else ones that say nothing."""
    found: dict[Key, Definition] = {}
    for code in data_set_types:
        key = Key(kind="DATA_SET_TYPE", owner="", code=code)
        found[key] = EntityType(kind=Kind.DATA_SET, code=code)
        assigned = "PROPERTY_ASSIGNMENT", f"{key.kind} {code}"
        found |= {
            each: present.value
            for each, present in stored.items()
            if each == key or (each.kind, each.owner) == assigned
        }
    return found


def plan_master_data(
    incoming: Mapping[Key, Definition], stored: Mapping[Key, Stored], rules: Rules
) -> MasterDataPlan:
    """Compare definitions and decide; a pure function of both sides and the flags."""
    plan = MasterDataPlan()
    for key, value in incoming.items():
        present = stored.get(key)
        if is_shipped(value):
            plan.conflicts.extend(_contradictions(key, value, present))
        elif present is None:
            plan.create[key] = value
        elif not is_fixed(key, incoming) and differences(value, present.value):
            _decide(plan, key, value, present, rules)
    for key in _unassigned(incoming, stored, rules):
        if rules.removals_unsafe:
            plan.skipped.append((key, f"not listed; it is not removed: {rules.removals_unsafe}"))
        elif rules.unassignment_allowed:
            plan.remove.append(key)
        else:
            plan.skipped.append(
                (key, "unassigned on the source; property-unassignment-allowed is false")
            )
    return plan


def _decide(
    plan: MasterDataPlan, key: Key, value: Definition, present: Stored, rules: Rules
) -> None:
    if present.source != rules.source:
        owner = f"section {present.source}" if present.source else "this instance"
        plan.skipped.append((key, f"it belongs to {owner}"))
    elif not rules.update_allowed:
        plan.skipped.append((key, "master-data-update-allowed is false"))
    else:
        plan.update[key] = _completed(value, present.value)


def _completed(value: Definition, present: Definition) -> Definition:
    """The definition with what is here where the source does not know."""
    unknown = [name for name in _NOTHING if getattr(value, name, False) is None]
    return replace(value, **{name: getattr(present, name) for name in unknown})


def is_shipped(value: Definition) -> bool:
    """Whether a definition is openBIS's own, the same everywhere."""
    return (
        isinstance(value, Vocabulary | PropertyType)
        and value.internal
        and value.registrator == SYSTEM_USER
    )


def is_fixed(key: Key, definitions: Mapping[Key, Definition]) -> bool:
    """Whether a definition is never updated: openBIS's own, and the terms of its vocabularies."""
    if key.kind == "TERM":
        return is_fixed(Key(kind="VOCABULARY", owner="", code=key.owner), definitions)
    return key in definitions and is_shipped(definitions[key])


def _contradictions(key: Key, value: Definition, present: Stored | None) -> Iterator[str]:
    what = "vocabulary" if isinstance(value, Vocabulary) else "property type"
    if present is None:
        yield (
            f"The internal {what} {key.code} of the data source does not exist here. Bring both "
            "instances to the same openBIS version and plugins, or add it here with "
            "'harvester init --internal-master-data FILE'"
        )
    elif isinstance(value, PropertyType) and isinstance(present.value, PropertyType):
        ours, theirs = present.value.data_type, value.data_type
        if ours is not theirs:
            yield (
                f"The internal property type {key.code} has the data type {theirs} on the data "
                f"source and {ours} here"
            )


def differences(one: Definition, other: Definition) -> list[str]:
    """The fields in which a definition of a list differs from one that is here, stamps apart. What
    the source does not know is no difference; nor is it one that there is nothing of what was not
    known until now."""
    return [
        f.name
        for f in fields(one)
        if f.name not in _STAMPS
        and _differs(f.name, getattr(one, f.name), getattr(other, f.name, None))
    ]


def _differs(name: str, new: object, present: object) -> bool:
    if name not in _NOTHING:
        return new != present
    return new is not None and new != (_NOTHING[name] if present is None else present)


def described_differences(before: Definition, after: Definition) -> str:
    """``label 'Old' becomes 'New'``, field by field."""
    return ", ".join(
        f"{name} {_brief(getattr(before, name, None))} becomes {_brief(getattr(after, name))}"
        for name in differences(after, before)
    )


def _brief(value: object) -> str:
    """A value for a message; long ones, such as scripts, are cut."""
    text = "nothing" if value is None else repr(str(value))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _unassigned(
    incoming: Mapping[Key, Definition], stored: Mapping[Key, Stored], rules: Rules
) -> Iterator[Key]:
    """Assignments and members of this section that are gone, of types and type groups that the list
    still has."""
    holders = _holders(incoming) if rules.groups_are_whole else _types(incoming)
    for key, present in sorted(stored.items()):
        if (
            present.source == rules.source
            and key not in incoming
            and (key.kind, key.owner) in holders
        ):
            yield key


def _types(incoming: Mapping[Key, Definition]) -> frozenset[tuple[str, str]]:
    """Kind and owner of assignments of types that the list has."""
    types = (key for key in incoming if key.kind.endswith("_TYPE"))
    return frozenset(("PROPERTY_ASSIGNMENT", f"{key.kind} {key.code}") for key in types)


def _holders(incoming: Mapping[Key, Definition]) -> frozenset[tuple[str, str]]:
    """The same with members of type groups."""
    groups = (key.code for key in incoming if key.kind == "TYPE_GROUP")
    return _types(incoming) | {("TYPE_GROUP_MEMBER", code) for code in groups}


def unlisted(
    incoming: Mapping[Key, Definition], stored: Mapping[Key, Stored], source: str
) -> Iterator[str]:
    """How many definitions of this section are here that the list does not have, by kind: of kinds
    that an upgrade of the source removed, for example. Assignments and members of what is listed
    have rules of their own."""
    holders = _holders(incoming)
    gone = Counter(
        key.kind
        for key, present in stored.items()
        if present.source == source and key not in incoming and (key.kind, key.owner) not in holders
    )
    yield from (f"{kind}: {number:,}" for kind, number in sorted(gone.items()))
