"""Step 3: register and update master data, by the manual's rules (harvester-semantics.md, 3.3).

Additions are always made, updates only with ``master-data-update-allowed`` and only to what this
section owns; assignments are removed only with ``property-unassignment-allowed``. What openBIS
ships itself (internal, registered by ``system``) is neither created nor updated: if it is missing
or has another data type here, that is an error, and all such errors come out together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields

from harvester.openbis.destination.port.rows import Definition, Key, Stored, flatten
from harvester.openbis.sync_run import SyncRun
from harvester.runs.report import Outcome, Verb
from shared.errors import ConflictError
from shared.model.master_data import SYSTEM_USER, PropertyType, Vocabulary

# Who defined something and when; a difference in these alone is none.
_STAMPS = frozenset({"registrator", "registered", "modified"})
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
    """What the settings allow, and the section that asks."""

    source: str
    update_allowed: bool
    unassignment_allowed: bool


def register_master_data(run: SyncRun) -> Outcome:
    outcome = Outcome(verbose=True)  # they are few, and every dry run lists them
    rules = Rules(
        source=run.source,
        update_allowed=run.config.master_data_update_allowed,
        unassignment_allowed=run.config.property_unassignment_allowed,
    )
    definitions = run.destination.definitions
    stored = definitions.stored()
    plan = plan_master_data(flatten(run.metadata.master_data), stored, rules)
    if plan.conflicts:
        raise ConflictError(plan.conflicts)
    definitions.write(plan.create | plan.update)
    definitions.remove(plan.remove)
    _note(outcome, plan, stored)
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
    for key in _unassigned(incoming, stored, rules.source):
        if rules.unassignment_allowed:
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
        plan.update[key] = value


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
    """The fields in which two definitions differ, stamps apart."""
    return [
        f.name
        for f in fields(one)
        if f.name not in _STAMPS and getattr(one, f.name) != getattr(other, f.name, None)
    ]


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
    incoming: Mapping[Key, Definition], stored: Mapping[Key, Stored], source: str
) -> Iterator[Key]:
    """Assignments of this section that are gone, of types that the list still has."""
    types = {f"{key.kind} {key.code}" for key in incoming if key.kind.endswith("_TYPE")}
    for key, present in sorted(stored.items()):
        if (
            key.kind == "PROPERTY_ASSIGNMENT"
            and present.source == source
            and key.owner in types
            and key not in incoming
        ):
            yield key
