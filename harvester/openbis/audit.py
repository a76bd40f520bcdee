"""Compares a data source with the destination and writes nothing.

A whole list is read as in step 1; then the same comparisons that the steps make say what is
missing, what differs and what is too many, down to the files in the data store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import orjson
from sqlalchemy import Connection

from harvester.openbis.destination.attachments import differing_holders
from harvester.openbis.destination.kept_references import keep_references
from harvester.openbis.destination.losses import find_losses, keep, losses, spare
from harvester.openbis.destination.unknown_parts import complete_unknown, never_came, settle
from harvester.openbis.inspecting import fault_of, fault_of_folder, fault_of_time
from harvester.openbis.section import SectionConfig
from harvester.openbis.steps.master_data import differences, is_fixed, listed
from harvester.openbis.sync_run import Metadata
from harvester.runs.unknown_words import waiting_files
from shared.model.kinds import Kind
from shared.store.changes import Action, compare, drop_from_plan, planned
from shared.store.files import DataStore
from shared.store.identity import settle as settle_identity
from shared.store.loss_kinds import Loss
from shared.store.master_data import stored_definitions
from shared.store.statements import execute
from shared.verification import Expected

_MEANINGS = {
    Action.NEW: "is missing here",
    Action.CHANGED: "differs",
    Action.GONE: "is here, but not on the data source",
    Action.KEPT: "is here, but not on the data source",
    Action.TAKEN: "is missing or not in its place here: its identifier belongs to another one",
    Action.STRANDED: "is missing here or differs: it lies in what cannot come or move",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One difference between the destination and the data source."""

    kind: str
    perm_id: str
    text: str
    # The rules want it so: worth knowing, and no fault.
    intended: bool = False

    def __str__(self) -> str:
        return f"{self.kind} {self.perm_id}: {self.text}" if self.perm_id else self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """The comparison of one section, after its list was read into the incoming tables."""

    connection: Connection
    config: SectionConfig
    metadata: Metadata
    store: DataStore
    # Codes of data sets that the operator does not want.
    black_list: frozenset[str] = frozenset()
    read_contents: bool = False

    def differences(self) -> Iterator[Difference]:
        """The differences by kind and perm id. The caller opens the transaction."""
        for fault in self.metadata.faults:
            yield Difference(kind=fault.kind, perm_id=fault.perm_id, text=fault.reason)
        yield from self._master_data()
        yield from self._entities()
        yield from self._attachments()
        yield from self._service_files()
        yield from self._data_set_files()
        yield from self._empty_folders()

    def _master_data(self) -> Iterator[Difference]:
        stored = stored_definitions(self.connection)
        incoming = listed(self.metadata.master_data, stored)
        for key, value in sorted(incoming.items(), key=lambda item: item[0]):
            if key not in stored:
                yield Difference(kind=key.kind, perm_id=str(key), text="is missing here")
                continue
            fields = differences(value, stored[key].value)
            if is_fixed(key, incoming):  # never updated; only the data type must agree
                fields = [f for f in fields if f == "data_type"]
            if fields:
                text = f"differs in {', '.join(fields)}"
                yield Difference(kind=key.kind, perm_id=str(key), text=text)
        for key, present in sorted(stored.items()):
            if present.source == self.config.alias and key not in incoming:
                text = f"{_MEANINGS[Action.GONE]}; master data are never deleted"
                yield Difference(kind=key.kind, perm_id=str(key), text=text, intended=True)

    def _entities(self) -> Iterator[Difference]:
        compare(self.connection, self.config.alias)
        yield from self._unknown_parts()
        settle_identity(self.connection)
        drop_from_plan(self.connection, Kind.DATA_SET, self.black_list)
        for action, meaning in _MEANINGS.items():
            for entity in planned(self.connection, action):
                yield Difference(kind=entity.kind, perm_id=entity.perm_id, text=meaning)
        for kind, perm_id, _, owner in execute(self.connection, "foreign_differ"):
            whose = f"section {owner}" if owner else "this instance"
            yield Difference(kind=kind, perm_id=perm_id, text=f"differs; it belongs to {whose}")
        if self.config.keep_original_timestamps_and_users:
            yield from self._compared("stamps_differ", "timestamps or users differ")
        if self.config.keep_original_frozen_flags:
            yield from self._compared("flags_differ", "frozen flags differ")
        text = "since when its AFS data can no longer change is missing here"
        yield from self._compared("immutable_times_differ", text)

    def _unknown_parts(self) -> Iterator[Difference]:
        """Parts that are here and that the list does not show, or shows otherwise. Afterwards the
        incoming rows have these parts, as in a run that keeps them."""
        complete_unknown(self.connection, self.config.alias)
        find_losses(self.connection, self.config.alias)
        drop_from_plan(self.connection, Loss.DATA_SET_CONTENT, self.black_list)
        for lost in losses(self.connection):
            if lost.kind is Loss.DATA_SET_CONTENT and lost.perm_id in self.black_list:
                continue
            yield Difference(kind=lost.thing, perm_id=lost.perm_id, text=str(lost))
        spare(self.connection)
        keep(self.connection)
        keep_references(self.connection, self.config.alias)
        settle(self.connection)
        if waiting := waiting_files(never_came(self.connection, self.config.alias)):
            yield Difference(kind=Kind.DATA_SET, perm_id="", text=waiting, intended=True)

    def _compared(self, query: str, text: str) -> Iterator[Difference]:
        for kind, perm_id, _ in execute(self.connection, query, source=self.config.alias):
            yield Difference(kind=kind, perm_id=perm_id, text=text)

    def _attachments(self) -> Iterator[Difference]:
        for holder in differing_holders(self.connection, self.config.alias):
            yield Difference(kind=holder.kind, perm_id=holder.perm_id, text="attachments differ")
        rows = execute(self.connection, "attachment_contents", source=self.config.alias)
        for kind, perm_id, name, version, length, sha256 in rows:
            expected = Expected(length=length or 0, sha256=sha256)
            if fault := self._fault(partial(self.store.attachment, sha256), expected):
                text = f"attachment {name} (version {version}) {fault}"
                yield Difference(kind=kind, perm_id=perm_id, text=text)

    def _service_files(self) -> Iterator[Difference]:
        for row in execute(self.connection, "service_files"):
            text = "is missing here" if row.owner is None else "differs"
            yield Difference(kind=Kind.FILE, perm_id=row.path, text=text)
        alias = self.config.alias
        for path in execute(self.connection, "service_files_gone", source=alias).scalars():
            yield Difference(kind=Kind.FILE, perm_id=path, text=_MEANINGS[Action.GONE])
        for path, length, sha256 in execute(self.connection, "service_contents", source=alias):
            expected = Expected(length=length, sha256=sha256)
            if fault := self._fault(partial(self.store.service_file, path), expected):
                yield Difference(kind=Kind.FILE, perm_id=path, text=fault)

    def _data_set_files(self) -> Iterator[Difference]:
        rows = execute(self.connection, "physical_files", source=self.config.alias)
        for code, path, length, crc32, checksum, modified in rows:
            expected = Expected(length=length, crc32=crc32, checksum=checksum)
            find = partial(self.store.data_set_file, code, path)
            fault = self._fault(find, expected)
            if not fault and self.read_contents:
                # `find` cannot raise here, since `_fault` has called it without a fault.
                fault = fault_of_time(find(), expected, modified)
            if fault:
                yield Difference(kind=Kind.DATA_SET, perm_id=code, text=f"file {path} {fault}")

    def _empty_folders(self) -> Iterator[Difference]:
        rows = execute(self.connection, "empty_folders", source=self.config.alias)
        for code, afs in rows:
            for path in orjson.loads(afs):
                if fault := fault_of_folder(self.store.data_set_folder(code) / path):
                    text = f"empty folder {path} {fault}"
                    yield Difference(kind=Kind.DATA_SET, perm_id=code, text=text)

    def _fault(self, find: Callable[[], Path], expected: Expected) -> str | None:
        """The fault of a file in the data store; None if it is right."""
        try:
            return fault_of(find(), expected, contents=self.read_contents)
        except ValueError as error:  # for example a link that leads out of the data set
            return f"cannot be read in the data store: {error}"
