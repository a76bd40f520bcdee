"""Pictures of pulled templates, in earnest and rehearsed.

A picture that fails concerns itself only: the template is updated and keeps its present picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from harvester.http.retries import OutOfReachError
from harvester.runs.report import Outcome, Verb
from opendcim.records.records import Template
from opendcim.sync.one_pass import Pass
from opendcim.sync.pictures import (
    NoPictureError,
    examined,
    file_name,
    has_content,
    is_safe_name,
    put,
)
from opendcim.sync.repository.lists import FetchedPicture, TemplateSource
from opendcim.sync.repository.memory import KeptPicture, Memory
from shared.errors import ItemError, SourceError

KIND = "PICTURE"
_FIELDS = {"front": "front_picture_file", "rear": "rear_picture_file"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """One side of a template: the address of its picture, and the picture that it shows now."""

    template: Template
    side: str
    address: str
    shown: str

    @property
    def name(self) -> str:
        return f"{self.template.model} ({self.side})"


def _wanted(theirs: Template, mine: Template) -> Iterator[_Wanted]:
    """A side without a picture in the repository keeps its present one."""
    for side, attribute in _FIELDS.items():
        if address := getattr(theirs, attribute):
            shown = getattr(mine, attribute)
            yield _Wanted(template=theirs, side=side, address=address, shown=shown)


def _with(mine: Template, names: dict[str, str]) -> Template:
    return replace(
        mine,
        front_picture_file=names.get("front", mine.front_picture_file),
        rear_picture_file=names.get("rear", mine.rear_picture_file),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsedPictures:
    """Reports what would be fetched; fetches nothing."""

    folder: Path
    memory: Memory

    def names(self, theirs: Template, mine: Template, outcome: Outcome) -> Template:
        names = {}
        for one in _wanted(theirs, mine):
            known = _here(self.folder, self.memory, one)
            if known and known.stamp == theirs.last_modified:
                names[one.side] = known.file
                continue
            outcome.note(Verb.UPDATED if known else Verb.CREATED, KIND, [one.name])
            outcome.plan.append(f"{theirs.model}: {one.side} picture: asked for at {one.address}")
        return _with(mine, names)

    def tidy(self, before: Template, after: Template) -> None:
        pass


@dataclass(slots=True, kw_only=True)
class RealPictures:
    """Fetches changed pictures, one after the other. ``run`` is set while there is a run."""

    folder: Path
    memory: Memory
    source: TemplateSource
    run: Pass | None = None
    _out_of_reach: str | None = field(default=None, init=False)

    def names(self, theirs: Template, mine: Template, outcome: Outcome) -> Template:
        names = {}
        for one in _wanted(theirs, mine):
            try:
                names[one.side] = self._brought(one, outcome)
            except (NoPictureError, SourceError, OSError) as error:
                outcome.fail(ItemError(KIND, one.name, f"{one.address}: {_reason(error)}"))
        return _with(mine, names)

    def tidy(self, before: Template, after: Template) -> None:
        ours = self.memory.picture_files
        for attribute in _FIELDS.values():
            name = getattr(before, attribute)
            if name != getattr(after, attribute) and name in ours and is_safe_name(name):
                self._remove_unless_used(name)

    def _remove_unless_used(self, name: str) -> None:
        if self.run is None:
            return
        with self.run.transaction():
            if self.run.installation.picture_is_used(name):
                return
        (self.folder / name).unlink(missing_ok=True)

    def _brought(self, one: _Wanted, outcome: Outcome) -> str:
        """The name of the file that has the picture now."""
        known = _here(self.folder, self.memory, one)
        stamp = one.template.last_modified
        if known and known.stamp == stamp:
            return known.file
        fetched = self._fetched(one, known)
        # The template changed, but not this picture: with the new stamp the next run need not ask.
        if fetched is None and known:
            self.memory.keep_picture(one.address, known.model_copy(update={"stamp": stamp}))
            return known.file
        return self._kept(one, fetched or FetchedPicture(content=b""), outcome, known)

    def _fetched(self, one: _Wanted, known: KeptPicture | None) -> FetchedPicture | None:
        # Each further picture would otherwise go through all pauses of `retry-pauses` again.
        if self._out_of_reach:
            raise SourceError(self._out_of_reach)
        try:
            return self.source.picture(one.address, known)
        except OutOfReachError as error:
            self._out_of_reach = f"not asked for, since before: {error}"
            raise

    def _kept(
        self, one: _Wanted, fetched: FetchedPicture, outcome: Outcome, known: KeptPicture | None
    ) -> str:
        picture = examined(fetched.content)
        name = one.shown
        # A file that has this content already stays, whatever its name: the row needs no change.
        if not is_safe_name(name) or not has_content(self.folder / name, picture.sha256):
            name = file_name(one.template.template_id, one.address, picture)
            put(self.folder, name, picture)
            outcome.note(Verb.UPDATED if known else Verb.CREATED, KIND, [one.name])
        self.memory.keep_picture(
            one.address,
            KeptPicture(
                file=name,
                sha256=picture.sha256,
                size=len(picture.content),
                stamp=one.template.last_modified,
                etag=fetched.etag,
                last_modified=fetched.last_modified,
            ),
        )
        return name


def _here(folder: Path, memory: Memory, one: _Wanted) -> KeptPicture | None:
    """What is known of an address, if the file is still there and unchanged."""
    known = memory.picture(one.address)
    if known is None or not is_safe_name(known.file):
        return None
    return known if has_content(folder / known.file, known.sha256) else None


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be written into pictures-dir: {error.strerror}"
    return f"is not taken: {error}" if isinstance(error, NoPictureError) else str(error)
