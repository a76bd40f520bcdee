"""Whatever lists leave out, shorten or replace, with marks or without: no content ever vanishes
without being in the trash, and where deletions are forbidden nothing leaves its place at all."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.model.entities import Attachment, AttachmentVersion, Entity, ServiceFile
from shared.model.kinds import DataSetKind
from shared.model.unknown import Part, Reason, Unknown
from shared.resourcesync.items import ListHead
from tests.support.faults.blind_source import AT, BlindHarvest, BytesSource, Item, digests
from tests.support.instances.builders import a_data_set, a_project, a_space, some_master_data
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import a_file
from tests.support.worlds.passing_days import disorder

CONTENTS = (b"", b"one", b"two", b"three!")
ADDRESSES = {sha256(content).hexdigest(): content for content in CONTENTS}
contents = st.sampled_from(CONTENTS)
reasons = st.sampled_from(list(Reason))


def _data_set(number: int, files: dict[str, bytes], mark: Reason | None, kind: str) -> Entity:
    """A container has no files of its own, known or unknown."""
    nodes = tuple(
        replace(a_file(path, content), href=sha256(content).hexdigest())
        for path, content in sorted(files.items())
        if kind == DataSetKind.PHYSICAL
    )
    has_files = kind == DataSetKind.PHYSICAL
    unknown = (Unknown(part=Part.FILES, reason=mark),) if mark and has_files else ()
    return a_data_set(50 + number, data_set_kind=DataSetKind(kind), files=nodes, unknown=unknown)


def _project(attachments: dict[str, bytes], mark: Reason | None) -> Entity:
    found = tuple(
        Attachment(
            file_name=name,
            versions=(
                AttachmentVersion(
                    version=1,
                    length=len(content),
                    sha256=sha256(content).hexdigest(),
                    href=sha256(content).hexdigest(),
                ),
            ),
        )
        for name, content in sorted(attachments.items())
    )
    unknown = (Unknown(part=Part.ATTACHMENTS, reason=mark),) if mark else ()
    return a_project(2, attachments=found, unknown=unknown)


def _service_file(path: str, content: bytes) -> ServiceFile:
    digest = sha256(content).hexdigest()
    return ServiceFile(path=path, modified=AT, length=len(content), sha256=digest, content=content)


files = st.dictionaries(st.sampled_from(("a", "b/c", "b/d")), contents, max_size=3)
kinds = st.sampled_from(("PHYSICAL", "PHYSICAL", "PHYSICAL", "CONTAINER"))
data_sets = st.builds(_data_set, st.integers(0, 2), files, st.none() | reasons, kinds)
projects = st.builds(_project, files, st.none() | reasons)
service_files = st.dictionaries(st.sampled_from(("x.png", "y/z.png")), contents, max_size=2)


@st.composite
def lists(draw: st.DrawFn) -> list[Item]:
    """What a source shows at a time."""
    shown = {e.perm_id: e for e in draw(st.lists(data_sets, max_size=3))}
    blind = Unknown(part=Part.FILE_SERVICE, reason=Reason.NOT_MOUNTED)
    head = ListHead(at=AT, unknown=draw(st.sampled_from(((), (blind,)))))
    pictures = [_service_file(path, content) for path, content in draw(service_files).items()]
    project = draw(st.none() | projects)
    places: Sequence[Item] = [a_space(), *([project] if project else [])]
    return [head, some_master_data(), *places, *shown.values(), *pictures]


@settings(max_examples=15)
@given(
    shown=st.lists(st.tuples(lists(), st.booleans()), min_size=2, max_size=4),
    allowed=st.booleans(),
)
def test_no_content_vanishes(shown: list[tuple[list[Item], bool]], *, allowed: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        harvest = Harvest(Path(folder))
        harvest.section("DS1", "http://localhost", deletion_allowed=str(allowed).lower())
        harvest.init()
        try:
            _live(harvest, shown, allowed=allowed)
        finally:
            harvest.instance.engine.dispose()


def _live(harvest: Harvest, shown: list[tuple[list[Item], bool]], *, allowed: bool) -> None:
    blind, source = BlindHarvest(harvest), BytesSource(ADDRESSES)
    before: dict[str, str] = {}
    for number, (items, confirmed) in enumerate(shown, 1):
        report = blind.take(items, source, run=number, confirmed=confirmed)
        assert report.failed == []
        now = _contents(harvest)
        assert set(before.values()) <= set(now.values())
        if not allowed:
            assert before.items() <= now.items()
        assert list(disorder(harvest.instance)) == []
        written = harvest.instance.content()
        again = blind.take(items, source, run=number, confirmed=False)
        assert (again.changes, again.failed) == (0, [])
        assert harvest.instance.content() == written
        before = now


def _contents(harvest: Harvest) -> dict[str, str]:
    """The digests of all files that have a content: one that came empty, and is listed with a
    content later, is replaced, which loses nothing."""
    empty = sha256(b"").hexdigest()
    return {path: one for path, one in digests(harvest.instance).items() if one != empty}
