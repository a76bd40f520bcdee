"""The steps work on whatever has their ports: here on dictionaries, without any database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from harvester.openbis.destination.port.rows import (
    ORIGINAL_STAMPS,
    Action,
    Blocked,
    Definition,
    Definitions,
    Entities,
    Key,
    Loss,
    Originals,
    Plan,
    Planned,
    Stamps,
    Stored,
)
from harvester.openbis.destination.port.whole import SectionDestination
from harvester.openbis.steps.entities import register_entities
from harvester.openbis.steps.frozen_flags import copy_frozen_flags
from harvester.openbis.steps.master_data import register_master_data
from harvester.openbis.steps.timestamps_and_users import copy_timestamps_and_users
from harvester.openbis.sync_run import Metadata, SyncRun
from harvester.openbis.transfers.transfers import Transfers
from harvester.runs.report import Outcome, Verb
from harvester.runs.stopping import RunLimits
from shared.model.entities import Entity
from shared.model.kinds import NOT_FROZEN, Frozen, Kind
from shared.model.master_data import MasterData
from tests.support.instances.builders import a_plugin, a_sample, a_space
from tests.support.instances.settings_files import section_of


@dataclass
class Dictionaries:
    """Rows of a destination, and the list that is to be applied to them; it has these ports itself,
    and would refuse what only the other steps need."""

    listed: Sequence[Entity]
    source: str = "DS1"
    rows: dict[tuple[Kind, str], Entity] = field(default_factory=dict)
    master_data: dict[Key, Stored] = field(default_factory=dict)
    users: set[str] = field(default_factory=set)
    plan_: dict[tuple[Kind, str], Action] = field(default_factory=dict)
    refused: Sequence[Blocked] = ()
    calls: Counter[str] = field(default_factory=Counter)

    @property
    def plan(self) -> Dictionaries:
        return self

    entities = definitions = originals = plan

    def compare(self) -> None:
        for entity in self.listed:
            present = self.rows.get((entity.kind, entity.perm_id))
            if present != entity:
                new = Action.NEW if present is None else Action.CHANGED
                self.plan_[entity.kind, entity.perm_id] = new

    def counts(self) -> Mapping[tuple[Kind | Loss, Action], int]:
        return Counter((kind, action) for (kind, _), action in self.plan_.items())

    def planned(self, action: Action, most: int | None = None) -> Iterator[Planned]:
        for (kind, perm_id), wanted in [*self.plan_.items()][:most]:
            if wanted is action:
                yield Planned(kind=kind, perm_id=perm_id, identifier=perm_id)

    def blocked(self, kinds: Iterable[Kind]) -> Iterator[Blocked]:
        return (one for one in self.refused if one.kind in kinds)

    def foreign_owners(self) -> Mapping[str, int]:
        return {}

    def settle_identifiers(self) -> None:
        self.calls["settle"] += 1

    def apply(self, kind: Kind, stamps: Stamps) -> None:
        self.calls[f"apply {stamps.user_id}"] += 1
        self.rows |= {(e.kind, e.perm_id): e for e in self.listed if e.kind is kind}

    def stored(self) -> Mapping[Key, Stored]:
        return dict(self.master_data)

    def write(self, definitions: Mapping[Key, Definition]) -> None:
        for key, value in definitions.items():
            self.master_data[key] = Stored(value=value, source=self.source)

    def remove(self, keys: Iterable[Key]) -> None:
        for key in keys:
            del self.master_data[key]

    def add_users(self) -> list[str]:
        new = {e.registrator for e in self.listed if e.registrator} - self.users
        self.users |= new
        return sorted(new)

    def copy_stamps(self) -> list[Planned]:
        return []

    def copy_flags(self) -> list[Planned]:
        return [
            Planned(kind=e.kind, perm_id=e.perm_id, identifier=e.perm_id)
            for e in self.listed
            if e.frozen
        ]

    def copy_immutable_times(self) -> list[Planned]:
        return []


def ports(one: Dictionaries) -> tuple[Plan, Definitions, Entities, Originals]:
    """It has all that the steps below need of a destination, as the type checker confirms."""
    return one, one, one, one


def a_run(folder: Path, destination: Dictionaries, **master_data: Any) -> SyncRun:
    config = section_of(folder)
    return SyncRun(
        config=config,
        destination=cast(SectionDestination, destination),
        transaction=nullcontext,
        metadata=Metadata(
            at=datetime(2026, 5, 1, tzinfo=UTC),
            entities=len(destination.listed),
            master_data=replace(MasterData(), **master_data),
        ),
        transfers=cast(Transfers, None),  # these steps bring no files
        limits=RunLimits(config),
        stamps=ORIGINAL_STAMPS,
    )


def counts(outcome: Outcome) -> dict[tuple[str, Verb], int]:
    return {(str(kind), verb): number for (kind, verb), number in outcome.counts.items()}


def test_entities_are_registered_with_a_call_for_each_kind_however_many_there_are(
    tmp_path: Path,
) -> None:
    destination = Dictionaries([a_space(), *(a_sample(number) for number in range(300))])
    destination.compare()
    outcome = register_entities(a_run(tmp_path, destination))
    assert counts(outcome) == {("SPACE", Verb.CREATED): 1, ("SAMPLE", Verb.CREATED): 300}
    assert len(destination.rows) == 301
    assert destination.calls == {"settle": 1, "apply None": 5}


def test_definitions_are_compared_with_what_the_destination_has(tmp_path: Path) -> None:
    destination = Dictionaries([])
    first = register_master_data(a_run(tmp_path, destination, plugins=(a_plugin(),)))
    again = register_master_data(a_run(tmp_path, destination, plugins=(a_plugin(),)))
    assert counts(first) == {("PLUGIN", Verb.CREATED): 1}
    assert counts(again) == {}
    assert [stored.source for stored in destination.master_data.values()] == ["DS1"]


@pytest.mark.parametrize("frozen", [Frozen.FROZEN, NOT_FROZEN])
def test_users_and_flags_are_taken_from_the_list(tmp_path: Path, frozen: Frozen) -> None:
    destination = Dictionaries([replace(a_sample(1), frozen=frozen, registrator="alice")])
    run = a_run(tmp_path, destination)
    assert counts(copy_timestamps_and_users(run)) == {("USER", Verb.CREATED): 1}
    assert copy_frozen_flags(run).changes == bool(frozen)
