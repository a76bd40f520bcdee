"""Bundles: a repository's published templates in one file, for sites that cannot reach it; or what
such a site shares, for a site that can.

A section accepts bundles of its own repository only, since a bundle has that repository's ids.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from opendcim.records.reading import read_manufacturer, read_template
from opendcim.records.records import Manufacturer, Template
from opendcim.records.writing import write_manufacturer, write_template
from opendcim.sync.bundles.archive import Archive, open_archive, write_archive
from opendcim.sync.repository.lists import (
    MANUFACTURER,
    TEMPLATE,
    FetchedPicture,
    ListedRecords,
    TemplateSource,
    listed,
    only_of,
)
from opendcim.sync.repository.memory import KeptPicture
from opendcim.sync.section import RepositorySection
from shared.errors import ConfigError, FormatError, SourceError

PUBLISHED, SUBMISSIONS = "published", "submissions"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """An open bundle; it is a `TemplateSource` if it has published templates. ``included`` are the
    manufacturers whose templates it has; ``submissions`` are another site's."""

    archive: Archive
    made: datetime
    included: frozenset[int]
    content: Mapping[str, list[object]]
    # Hashes of pictures, by address.
    hashes: Mapping[str, str]
    submissions: tuple[object, ...] | None = None

    def close(self) -> None:
        self.archive.close()

    def manufacturers(self) -> ListedRecords[Manufacturer]:
        return listed(self.content["manufacturers"], MANUFACTURER, read_manufacturer)

    def has(self, manufacturer_id: int) -> bool:
        return manufacturer_id in self.included

    def templates(self, manufacturer_id: int) -> ListedRecords[Template]:
        found = [
            record
            for record in self.content["templates"]
            if isinstance(record, Mapping)
            and str(record.get("ManufacturerID")) == str(manufacturer_id)
        ]
        return only_of(manufacturer_id, listed(found, TEMPLATE, read_template))

    def picture(self, address: str, known: KeptPicture | None) -> FetchedPicture | None:
        digest = self.hashes.get(address)
        if digest is None:
            raise SourceError("the bundle does not have it")
        if known and known.sha256 == digest:
            return None
        return FetchedPicture(content=self.archive.picture(digest))


def opened_bundle(path: Path, config: RepositorySection) -> Bundle:
    """Raises `ConfigError` if it is missing or from another repository, and `FormatError` if it is
    damaged."""
    archive = open_archive(path)
    if (repository := archive.content.get("repository")) != config.repository_url:
        archive.close()
        raise ConfigError(
            f"[{config.name}] {path} was made of {repository}, and repository-url is "
            f"{config.repository_url}; ids of one repository mean nothing in another"
        )
    try:
        return _bundle(archive)
    except FormatError:
        archive.close()
        raise


def _bundle(archive: Archive) -> Bundle:
    content = archive.content
    try:
        is_published = content["kind"] == PUBLISHED
        names = ("manufacturers", "templates")
        return Bundle(
            archive=archive,
            made=datetime.fromisoformat(content["made"]),
            included=frozenset(content["included"]) if is_published else frozenset(),
            content={name: list(content[name]) if is_published else [] for name in names},
            hashes=dict(content["pictures"]) if is_published else {},
            submissions=None if is_published else tuple(content["submissions"]),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise FormatError(f"{archive.path} is no bundle: {error}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What was written into a bundle, and the pictures that could not be fetched."""

    manufacturers: int
    templates: int
    pictures: int
    faults: tuple[str, ...]


def write_bundle(
    path: Path, repository: str, source: TemplateSource, wanted: Iterable[int]
) -> Exported:
    """Writes all manufacturers, and the templates of the wanted ones with their pictures."""
    makers, included = source.manufacturers(), sorted(set(wanted))
    faults = [str(fault) for fault in makers.faults]
    templates: list[Template] = []
    for number in included:
        found = source.templates(number)
        templates += found.values
        faults += [str(fault) for fault in found.faults]
    hashes, contents = _pictures(source, templates, faults)
    content = {
        "kind": PUBLISHED,
        "repository": repository,
        "included": included,
        "manufacturers": [write_manufacturer(one) for one in makers.values],
        "templates": [write_template(one) for one in templates],
        "pictures": hashes,
    }
    write_archive(path, content, contents)
    return Exported(
        manufacturers=len(makers.values),
        templates=len(templates),
        pictures=len(contents),
        faults=tuple(faults),
    )


def _pictures(
    source: TemplateSource, templates: Iterable[Template], faults: list[str]
) -> tuple[dict[str, str], dict[str, bytes]]:
    """Hashes by address, and contents by hash."""
    hashes: dict[str, str] = {}
    contents: dict[str, bytes] = {}
    for one in templates:
        for address in filter(None, one.picture_files.values()):
            if address in hashes:
                continue
            try:
                fetched = source.picture(address, None)
            except SourceError as error:
                faults.append(f"picture of {one.model}: {error}")
                continue
            if fetched:
                digest = hashlib.sha256(fetched.content).hexdigest()
                hashes[address], contents[digest] = digest, fetched.content
    return hashes, contents
