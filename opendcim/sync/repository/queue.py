"""The repository's queue of submissions, as a submitter sees it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from opendcim.records.envelope import OK
from opendcim.records.reading import read_number, read_template
from opendcim.records.records import Template
from opendcim.records.texts import folded, plain
from opendcim.sync.repository.connection import (
    NOT_FOUND,
    RepositoryAnswer,
    RepositoryConnection,
    Upload,
    check_refused,
    message_of,
)
from opendcim.sync.repository.submission import MOST_FIELDS, Parcel
from shared.errors import FormatError, ItemError, SourceError, SourceRefusedError

KIND = "SUBMISSION"
_DECIDED = frozenset({"approved", "rejected"})
_NO_KEY = 400
_SERVER_ERRORS = 500


class RefusedError(ItemError):
    """The repository refuses the submission; its queue is unchanged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """``state`` is ``approved`` or ``rejected``."""

    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class Queue:
    """The queue over a connection that has a key."""

    connection: RepositoryConnection

    def check_key(self) -> None:
        """Raises `SourceRefusedError` if the key is refused."""
        # The slash at the end matters: without it the original takes another route, and shows none.
        answer = self._get("/template/pending/")
        if answer.status == _NO_KEY:
            raise SourceRefusedError(
                f"the repository wants an API key and does not see one ({message_of(answer)}); is "
                "there a proxy that changes the header APIKey?"
            )

    def submit(self, packed: Parcel) -> int:
        """Returns the number of the request. Sends a form, as browsers do, or JSON, as 4.0 to 4.2
        did, if the route is missing or PHP would drop the form. Raises `RefusedError`; after other
        errors it is unknown whether it arrived."""
        form, answer = packed.form, None
        if len(form) < MOST_FIELDS:
            answer = self.connection.send("PUT", "/templatealt", Upload(data=form))
        if answer is None or answer.status == NOT_FOUND:
            answer = self.connection.send("PUT", "/template", Upload(json=packed.tree))
        if answer.status == NOT_FOUND and len(form) >= MOST_FIELDS:
            raise RefusedError(
                KIND,
                packed.record.model,
                f"has {len(form)} fields, of which the repository would lose some: it takes no "
                "JSON; ask its administrator for the route PUT /api/template",
            )
        self._check(packed, answer)
        template = answer.envelope().content.get("template")
        number = template.get("RequestID") if isinstance(template, Mapping) else None
        request = read_number(number, "RequestID")
        if request <= 0:
            raise FormatError("it said yes, but gave no RequestID")
        return request

    def add_pictures(self, request_id: int, packed: Parcel) -> None:
        """Raises `RefusedError` or `FormatError` unless all pictures arrived completely."""
        path = f"/template/addpictures/{request_id}"
        answer = self.connection.send("POST", path, Upload(files=packed.files))
        self._check(packed, answer)
        files = answer.envelope().content.get("files")
        for side, (name, picture) in packed.pictures.items():
            file = files.get(side) if isinstance(files, Mapping) else None
            if not isinstance(file, Mapping):
                raise FormatError(f"the answer does not name {side}")
            if _number(file, "error") or _number(file, "size") != len(picture.content):
                raise FormatError(f"{name} came with error {file.get('error')}")

    def pending(self, request_id: int) -> Template | None:
        """The submission in the queue; None if the repository does not show it."""
        for record in self._records(f"/template/pending/{request_id}"):
            if _number(record, "RequestID") == request_id:
                return read_template(record)
        return None

    def is_gone(self, request_id: int) -> bool:
        """Whether it was rejected, as far as the queue shows."""
        answer = self._get(f"/template/pending/{request_id}")
        return answer.status == OK and answer.envelope().content.get("templatequeue") == []

    def decisions(self) -> dict[int, Decision]:
        """Decisions by request; empty if the repository does not show them: the original does
        not."""
        found = {}
        for record in self._records("/submission", "submissions"):
            state = str(record.get("State") or "")
            if state in _DECIDED:
                reason = plain(str(record.get("Reason") or ""))
                found[_number(record, "RequestID")] = Decision(state=state, reason=reason)
        return found

    def find(self, sent: Template) -> int | None:
        """The pending request for this manufacturer and model."""
        for record in self._records("/template/pending/"):
            same = _number(record, "ManufacturerID") == sent.manufacturer_id
            if same and folded(str(record.get("Model") or "")) == folded(sent.model):
                return _number(record, "RequestID")
        return None

    def _records(self, path: str, member: str = "templatequeue") -> Iterator[Mapping[str, object]]:
        """None if there is no such route, or no right to use it."""
        answer = self._get(path)
        records = answer.envelope().content.get(member) if answer.status == OK else None
        for record in records if isinstance(records, list) else []:
            if isinstance(record, Mapping):
                yield record

    def _get(self, path: str) -> RepositoryAnswer:
        answer = self.connection.get(self.connection.at(path))
        check_refused(answer, self.connection.config)
        return answer

    def _check(self, packed: Parcel, answer: RepositoryAnswer) -> None:
        check_refused(answer, self.connection.config)
        text = f"the repository says {message_of(answer)}"
        # A server may fail after it stored the submission, so this is no refusal.
        if answer.status >= _SERVER_ERRORS:
            raise SourceError(text)
        if answer.status != OK:
            raise RefusedError(KIND, packed.record.model, text)


def _number(record: Mapping[str, object], member: str) -> int:
    try:
        return read_number(record.get(member), member)
    except FormatError:
        return -1
