"""Reads a template repository: lists, once in an interval, and pictures that have changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, Protocol, TypeVar

import httpx

from harvester.http.client import origin, shown
from opendcim.records.envelope import OK, Envelope, read_envelope
from opendcim.records.reading import read_manufacturer, read_template
from opendcim.records.records import Manufacturer, Template
from opendcim.sync.repository.connection import (
    NOT_FOUND,
    RepositoryAnswer,
    RepositoryConnection,
    message_of,
)
from opendcim.sync.repository.memory import FetchedList, KeptPicture, is_fresh
from shared.errors import FormatError, ItemError, SourceError

MANUFACTURER = "MANUFACTURER"
TEMPLATE = "DEVICE_TEMPLATE"

V = TypeVar("V")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedRecords(Generic[V]):
    """The records of a list, and the faults of those that cannot be read."""

    values: tuple[V, ...]
    faults: tuple[ItemError, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedPicture:
    """A picture that is not checked yet."""

    content: bytes
    etag: str = ""
    last_modified: str = ""


class TemplateSource(Protocol):
    """A repository, or a bundle that was made of one."""

    def manufacturers(self) -> ListedRecords[Manufacturer]: ...

    def has(self, manufacturer_id: int) -> bool:
        """Whether the source has the templates of this manufacturer."""
        ...

    def templates(self, manufacturer_id: int) -> ListedRecords[Template]:
        """All templates of a manufacturer, given by the repository's id."""
        ...

    def picture(self, address: str, known: KeptPicture | None) -> FetchedPicture | None:
        """None if the picture is unchanged. Raises `SourceError`."""
        ...


class Repository:
    """Reads over a connection. ``forced``: even if the stored answer is recent."""

    def __init__(self, connection: RepositoryConnection, *, forced: bool = False) -> None:
        self._connection = connection
        self._forced = forced
        self._read: dict[str, Envelope] = {}

    def manufacturers(self) -> ListedRecords[Manufacturer]:
        records = self._list("/manufacturer", "manufacturers")
        return listed(records, MANUFACTURER, read_manufacturer)

    def has(self, manufacturer_id: int) -> bool:
        del manufacturer_id
        return True

    def templates(self, manufacturer_id: int) -> ListedRecords[Template]:
        """Records of other manufacturers are faults: the server misunderstood the request."""
        records = self._list(f"/template/bymanufacturer/{manufacturer_id}", "templates")
        found = listed(records, TEMPLATE, read_template)
        return only_of(manufacturer_id, found)

    def template(self, template_id: int) -> Template | None:
        """The published template with this id, as it is now."""
        answer = self._connection.get(self._connection.at(f"/template/{template_id}"))
        # The original answers 200 and an empty list instead, which ends in None below.
        if answer.status == NOT_FOUND:
            return None
        records = _accepted(answer).list_of("templates")
        found = listed(records, TEMPLATE, read_template).values
        return next((one for one in found if one.template_id == template_id), None)

    def picture(self, address: str, known: KeptPicture | None) -> FetchedPicture | None:
        """Fetched without credentials, and only from the repository's origin or from an origin in
        the section's settings. Otherwise a repository could have us ask any host in reach."""
        url = _picture_url(address)
        if not self._connection.is_home(url) and not self._is_trusted(url):
            raise SourceError(
                f"{shown(url)} is not at the repository; if that is right, name its origin in the "
                "key picture-origins"
            )
        headers = {}
        if known and known.etag:
            headers["If-None-Match"] = known.etag
        elif known and known.last_modified:
            headers["If-Modified-Since"] = known.last_modified
        answer = self._connection.get(url, headers)
        if answer.is_unchanged and known:
            return None
        if answer.status != OK:
            raise SourceError(f"{shown(url)} answers with {message_of(answer)}")
        return FetchedPicture(
            content=answer.body,
            etag=answer.headers.get("etag", ""),
            last_modified=answer.headers.get("last-modified", ""),
        )

    def _is_trusted(self, url: httpx.URL) -> bool:
        trusted = self._connection.config.picture_origins
        return origin(url) in {origin(httpx.URL(one)) for one in trusted}

    def _list(self, path: str, member: str) -> list[object]:
        """Asked for once in a run, and not at all if the stored answer is recent."""
        if path not in self._read:
            self._read[path] = self._envelope(path, member)
        return self._read[path].list_of(member)

    def _envelope(self, path: str, member: str) -> Envelope:
        connection, memory = self._connection, self._connection.memory
        address = str(connection.at(path))
        kept = memory.list_at(address)
        if kept and not self._forced and is_fresh(kept.fetched, connection.config.interval):
            return read_envelope(kept.body.encode())
        headers = {"If-None-Match": kept.etag} if kept and kept.etag else {}
        answer = connection.get(connection.at(path), headers)
        if answer.is_unchanged and kept:
            memory.keep_list(kept.model_copy(update={"fetched": datetime.now(UTC)}))
            return read_envelope(kept.body.encode())
        envelope = _accepted(answer)
        envelope.list_of(member)  # only a valid answer is stored
        memory.keep_list(
            FetchedList(
                address=address,
                fetched=datetime.now(UTC),
                etag=answer.headers.get("etag", ""),
                body=answer.body.decode("utf-8", errors="replace"),
            )
        )
        return envelope


def listed(records: Iterable[object], kind: str, read: Callable[[object], V]) -> ListedRecords[V]:
    values, faults = [], []
    for number, record in enumerate(records, start=1):
        try:
            values.append(read(record))
        except FormatError as error:
            faults.append(ItemError(kind, f"record {number}", f"cannot be read: {error}"))
    return ListedRecords(values=tuple(values), faults=tuple(faults))


def only_of(manufacturer_id: int, found: ListedRecords[Template]) -> ListedRecords[Template]:
    """The templates of one manufacturer; others, and those without id or model, are faults."""
    good, faults = [], list(found.faults)
    for one in found.values:
        if one.manufacturer_id != manufacturer_id:
            text = f"belongs to manufacturer {one.manufacturer_id}, not to {manufacturer_id}"
            faults.append(ItemError(TEMPLATE, one.model or str(one.template_id), text))
        elif one.template_id <= 0 or not one.model:
            text = "has no id or no model at the repository"
            faults.append(ItemError(TEMPLATE, one.model or str(one.template_id), text))
        else:
            good.append(one)
    return ListedRecords(values=tuple(good), faults=tuple(faults))


def _accepted(answer: RepositoryAnswer) -> Envelope:
    """Raises `SourceError` or `FormatError` for any answer other than a good one."""
    if answer.status != OK:
        raise SourceError(
            f"{shown(answer.url)} answers with {message_of(answer)}; check repository-url"
        )
    return answer.envelope()


def _picture_url(address: str) -> httpx.URL:
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL as error:
        raise SourceError(f"{address!r} is no address of a picture: {error}") from error
    if url.scheme not in {"http", "https"} or not url.host:
        raise SourceError(f"{address!r} is no http or https address of a picture")
    return url
