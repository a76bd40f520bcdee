"""Whether the data source answers, accepts the credentials, and has a list that can be
harvested."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path

from harvester.http.retries import PassingError
from harvester.openbis.checks.destination import data_store_of, known_data_sets, spaces_of
from harvester.openbis.checks.preview import Preview, SmallFile
from harvester.openbis.checks.space_patterns import check_patterns
from harvester.openbis.names import Names
from harvester.openbis.section import SectionConfig
from harvester.openbis.source.items import BegunAnewError
from harvester.openbis.source.probe import Probe
from harvester.openbis.source.selected_list import SelectedList, whole_list
from harvester.openbis.source.source import Source, VerificationError
from harvester.openbis.source.spool import spool
from harvester.openbis.transfers.fetching import Fetching
from harvester.runs.amounts import shown_size
from harvester.runs.destination_check import OpenDestination
from harvester.runs.findings import Finding, broken, broken_by, doubtful, fine, untried
from shared.errors import (
    ConflictError,
    FormatError,
    SourceError,
    SourceRefusedError,
    SyncError,
)
from shared.model.kinds import Kind
from shared.resourcesync.terms import Document
from shared.settings.quantities import Limit

_SKEW_TO_WARN = timedelta(seconds=60)
_SKEW_TO_FAIL = timedelta(hours=1)
_OK = 200
_BAD_REQUEST = 400
_REFUSED = frozenset({401, 403})
_BUSY = 429
_SERVER_FAULT = 500
# How a capability list names the list.
_CAPABILITY = b"resourcelist"


def check_data_source(section: SectionConfig, destination: OpenDestination) -> Iterator[Finding]:
    """Tries each request once. A check that needs an answer which did not come is left out."""
    with ExitStack() as stack:
        try:
            once = section.model_copy(update={"retry_pauses": ()})
            source = stack.enter_context(Source(once))
            about = source.look(Document.ABOUT)
        except SyncError as error:  # certificates, keys and proxies included
            yield broken_by("source", error)
            about = None
        if about is not None:
            yield _check_answer(section, source, about)
            yield _check_clock(about)
        if about is None or about.status != _OK:
            yield untried("list", "the data source does not answer as it should")
            return
        try:
            folder = stack.enter_context(spool(section))
            selected = whole_list(source, section, folder)
            preview = _preview(selected, section, destination)
        except (SyncError, OSError) as error:
            yield _list_failure(section, error)
            return
        if selected.recognised:
            yield fine("version", f"{section.resource_list_url} is {selected.recognised}")
        yield from _judge(section, destination, preview)
        yield from _try_download(source, preview, folder)


def _preview(
    selected: SelectedList, section: SectionConfig, destination: OpenDestination
) -> Preview:
    while True:
        preview = Preview(
            partial(known_data_sets, destination), data_store_of(section, destination)
        )
        with suppress(BegunAnewError):
            preview.take(selected)
            return preview


def _check_answer(section: SectionConfig, source: Source, about: Probe) -> Finding:
    """Check one of the two small documents."""
    if about.status != _OK:
        return _refusal(section, about)
    try:
        capabilities = source.look(Document.CAPABILITY_LIST)
    except SourceError as error:
        return broken_by("source", error)
    shown = f"{section.resource_list_url} answers"
    if capabilities.status != _OK or _CAPABILITY not in capabilities.body:
        return doubtful(
            "source",
            f"{shown}, but its capability list (status {capabilities.status}) names no resource "
            "list; check resource-list-url",
        )
    user = section.data_source_auth_user
    if not section.tls_verify:
        return doubtful(
            "source",
            f"{shown}, and lets {user} in, but nobody knows whose answer it is; set ca-bundle and "
            "tls-verify = true",
        )
    return fine("source", f"{shown}, and lets {user} in")


def _refusal(section: SectionConfig, look: Probe) -> Finding:
    shown = f"{section.resource_list_url} answers with status {look.status}"
    user = section.data_source_auth_user
    if look.status in _REFUSED:
        text = (
            f"{shown}: it refuses user {user}; check data-source-auth-user and "
            "data-source-auth-pass"
            if look.status == min(_REFUSED)
            else f"{shown}: user {user} may sign in, but has no right there; have a role given"
        )
        return broken("source", text, SourceRefusedError.exit_code)
    if look.status == _BAD_REQUEST:
        return broken("source", f"{shown}: {look.text}; check space-black-list, space-white-list")
    if look.status == _BUSY or look.status >= _SERVER_FAULT:
        return broken("source", f"{shown}: {look.text}; try later", SourceError.exit_code)
    return broken("source", f"{shown}: {look.text}; check resource-list-url")


def _check_clock(look: Probe) -> Finding:
    if look.skew is None:
        return doubtful("clock", "the data source does not tell its time")
    apart = abs(look.skew)
    seconds = round(apart.total_seconds())
    if apart <= _SKEW_TO_WARN:
        return fine("clock", f"that of the data source differs by {seconds} s")
    direction = "ahead of" if look.skew > timedelta(0) else "behind"
    text = (
        f"that of the data source is {timedelta(seconds=seconds)} {direction} the one here; let "
        "both machines get their time from a time server"
    )
    return doubtful("clock", text) if apart <= _SKEW_TO_FAIL else broken("clock", text)


def _list_failure(section: SectionConfig, error: SyncError | OSError) -> Finding:
    if isinstance(error, OSError):
        reason = error.strerror or type(error).__name__
        place = section.harvester_tmp_dir
        return broken("list", f"it cannot be written below {place}: {reason}; see 'work folder'")
    if isinstance(error, PassingError) and error.retry_after > 0:
        return doubtful("list", f"{error}; what a run would harvest can be said then")
    return broken_by("list", error)


def _judge(
    section: SectionConfig, destination: OpenDestination, preview: Preview
) -> Iterator[Finding]:
    """What the list means for the coming run."""
    if preview.counts.total():
        yield fine("list", f"{preview}; {preview.new_data_sets:,} of the data sets are new here")
    else:
        yield doubtful(
            "list", "it is empty; check the lists of spaces, and what the user may see there"
        )
    for doubt in preview.doubts:
        yield doubtful("roots", f"{doubt}; a run deletes nothing meanwhile")
    yield from _check_files(preview)
    yield from _check_records(section.max_failed_records, preview)
    yield from check_patterns(section, preview.spaces, spaces_of(section, destination))
    try:
        if preview.master_data:
            Names.of(preview.master_data, section.prefix)
    except ConflictError as error:
        yield broken_by("master data", error)
    yield from _check_space(preview)


def _check_files(preview: Preview) -> Iterator[Finding]:
    """Whether the source sees the files of its data sets."""
    blind = preview.without_files
    if not blind:
        return
    reasons = ", ".join(f"{number:,} {reason}" for reason, number in sorted(blind.items()))
    yield doubtful(
        "files",
        f"{blind.total():,} of {preview.counts[Kind.DATA_SET]:,} data sets are without their files "
        f"({reasons}); a run brings what else they have, and the files when the source shows them",
    )


def _check_records(limit: Limit, preview: Preview) -> Iterator[Finding]:
    if not preview.unreadable:
        return
    text = (
        f"{preview.unreadable:,} of {preview.total:,} cannot be read: {'; '.join(preview.examples)}"
    )
    if limit.is_exceeded(preview.unreadable, preview.total):
        yield broken(
            "records",
            f"{text}; a run fails, since max-failed-records is {limit}: have the source mended",
            FormatError.exit_code,
        )
    else:
        yield doubtful("records", f"{text}; a run leaves them out and reports them")


def _check_space(preview: Preview) -> Iterator[Finding]:
    """Whether each disk has room for what is not here yet."""
    store = preview.store
    if store is None:
        yield untried("free space", "the database cannot be opened")
        return
    needed: dict[int, tuple[Path, int]] = {}
    for root, size in (
        (store.root, preview.needed),
        (store.service_root, preview.needed_by_service),
    ):
        # The first run makes the folders; until then the nearest one that exists tells the disk.
        folder = next(place for place in (root, *root.parents) if os.access(place, os.F_OK))
        # Both folders may lie on one disk, where their sizes add up.
        first, so_far = needed.get(folder.stat().st_dev, (folder, 0))
        needed[folder.stat().st_dev] = (first, so_far + size)
    for folder, size in needed.values():
        free = shutil.disk_usage(folder).free
        text = f"{shown_size(free)} are free below {folder}; a run brings about {shown_size(size)}"
        if size > free:
            yield broken("free space", f"{text}; make room, or fewer files will arrive")
        else:
            yield fine("free space", text)


def _try_download(source: Source, preview: Preview, folder: Path) -> Iterator[Finding]:
    """Download a small file and throw it away; one of AFS, too, if the list has any."""
    fetching = Fetching(source, 0, preview.afs_url)
    for check, small in (("download", preview.small), ("afs", preview.small_in_afs)):
        if small is not None:
            yield _fetched(check, fetching, small, folder / f"{check}-file")


def _fetched(check: str, fetching: Fetching, small: SmallFile, target: Path) -> Finding:
    name = f"{small.code}/{small.file.path}"
    try:
        fetching.fetch(small.code, small.file, target)
    except VerificationError as error:
        return broken(check, f"{name}: {error}; look at it on the source", 7)
    except SyncError as error:
        return broken_by(check, error)
    except OSError as error:
        return broken(check, f"{name} cannot be written: {error.strerror}")
    return fine(check, f"{name} ({shown_size(small.file.length)}) can be fetched")
