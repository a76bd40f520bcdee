"""Bundled submissions: packed at a site that cannot reach the repository, and submitted by a
section elsewhere that has a key."""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harvester.runs.report import Outcome
from opendcim.records.reading import read_submission
from opendcim.records.texts import folded
from opendcim.sync.bundles.archive import write_archive
from opendcim.sync.bundles.bundle import SUBMISSIONS, Bundle
from opendcim.sync.installation.installed import Installation, LocalTemplate
from opendcim.sync.one_pass import Outbox, Pass
from opendcim.sync.pictures import is_safe_name
from opendcim.sync.repository.queue import KIND
from opendcim.sync.repository.submission import parcel
from opendcim.sync.section import RepositorySection, Units
from opendcim.sync.steps.pushing import marked, submit_one
from shared.errors import FormatError, ItemError


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """The number of templates that were packed, and the reasons why others were not."""

    templates: int
    faults: tuple[str, ...]


def pack_submissions(
    path: Path, section: RepositorySection, installation: Installation, units: Units
) -> Packed:
    """Packs all templates that are marked as shared. Manufacturers go by their names: the
    repository may not know them yet."""
    names = {one.manufacturer_id: one.name for one in installation.manufacturers()}
    entries: list[dict[str, object]] = []
    contents: dict[str, bytes] = {}
    faults = []
    for local, number in marked(installation, section):
        try:
            packed = parcel(local, number, section.pictures_dir, units, None)
        except ItemError as error:
            faults.append(str(error))
            continue
        pictures = packed.pictures.items()
        contents |= {picture.sha256: picture.content for _, (_, picture) in pictures}
        entries.append(
            {
                "manufacturer": names[local.manufacturer_id],
                "submission": packed.tree,
                "pictures": {side: [name, one.sha256] for side, (name, one) in pictures},
            }
        )
    content = {"kind": SUBMISSIONS, "repository": section.repository_url}
    write_archive(path, {**content, "submissions": entries}, contents)
    return Packed(templates=len(entries), faults=tuple(faults))


def push_bundled(
    run: Pass, bundle: Bundle, outbox: Callable[[Path, Units], Outbox | None]
) -> Outcome:
    """Submits the content of a bundle; ``outbox`` makes one that takes pictures from a folder."""
    outcome = run.outcome()
    listed = run.source.manufacturers().values
    makers = {folded(one.name): one.manufacturer_id for one in listed}
    with tempfile.TemporaryDirectory(prefix="opendcim-") as name:
        for number, (maker, local) in enumerate(_entries(bundle, Path(name), outcome)):
            box = outbox(Path(name) / str(number), Units.INCH_POUND)
            if box is None:
                raise FormatError("there is no api-key, so nothing of the bundle can be submitted")
            if number == 0:
                box.open()
            if (known := makers.get(folded(maker))) is None:
                text = f"the repository does not know the manufacturer {maker!r}"
                outcome.fail(ItemError(KIND, local.model, text))
                continue
            submit_one(run, box, local, known, outcome)
    return outcome


def _entries(bundle: Bundle, folder: Path, outcome: Outcome) -> Iterator[tuple[str, LocalTemplate]]:
    """Manufacturers and templates; the pictures of each are in a folder with its number."""
    count = 0
    for entry in bundle.submissions or ():
        try:
            maker, local = _entry(entry, bundle, folder / str(count))
        except (FormatError, KeyError, TypeError, ValueError) as error:
            outcome.fail(ItemError(KIND, f"entry {count + 1}", f"cannot be read: {error}"))
            continue
        count += 1
        yield maker, local


def _entry(entry: Any, bundle: Bundle, folder: Path) -> tuple[str, LocalTemplate]:
    maker, record = str(entry["manufacturer"]), read_submission(entry["submission"])
    folder.mkdir(exist_ok=True)
    pictures: Mapping[str, Iterable[str]] = entry["pictures"]
    for name, digest in pictures.values():
        if not is_safe_name(name):
            raise FormatError(f"{name!r} is no file name")
        (folder / name).write_bytes(bundle.archive.picture(digest))
    # The next import must find the same key; Python's `hash` differs from run to run.
    key = zlib.crc32(f"{folded(maker)}/{folded(record.model)}".encode())
    return maker, LocalTemplate(
        template_id=-key,  # the key in the state file; ids of the database are positive
        manufacturer_id=0,
        record=record,
        # The mark is in the other site's database, so there is none to clear here.
        shared=False,
        kept=False,
    )
