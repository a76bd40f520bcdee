"""Checks what a run of a repository section needs, without changing anything."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing

from harvester.checks.folders import check_folder
from harvester.runs.findings import Finding, broken_by, doubtful, fine
from harvester.runs.stopping import RunLimits
from opendcim.sync.installation.database import opened
from opendcim.sync.repository.connection import RepositoryConnection
from opendcim.sync.repository.lists import Repository
from opendcim.sync.repository.memory import Memory
from opendcim.sync.repository.queue import Queue
from opendcim.sync.section import RepositorySection
from shared.addresses import shown_url
from shared.errors import SyncError
from shared.store.engine import viewed

logger = logging.getLogger(__name__)


def check_repository_section(section: RepositorySection) -> Iterator[Finding]:
    """Asks the repository for its manufacturers only if there is no answer of today."""
    yield from _check_database(section)
    yield check_folder("pictures", section.pictures_dir, "pictures-dir")
    yield check_folder("state", section.opendcim_state_dir, "opendcim-state-dir")
    yield check_folder("log", section.log_file.parent, "log-file")
    yield from _check_repository(section)


def _check_database(section: RepositorySection) -> Iterator[Finding]:
    try:
        with opened(section) as database:
            shown = shown_url(database.engine.url)
            with viewed(database.engine) as connection:
                units = section.units or database.units(connection)
            shortcomings = list(database.shortcomings)
    except SyncError as error:
        yield broken_by("openDCIM", error)
        return
    yield fine("openDCIM", f"{shown} is one; weights: {units}")
    for shortcoming in shortcomings:
        yield doubtful("openDCIM", shortcoming)


def _check_repository(section: RepositorySection) -> Iterator[Finding]:
    try:
        memory = Memory(section.opendcim_state_dir, section.repository_url)
        with closing(
            RepositoryConnection(section, RunLimits(section), logger, memory)
        ) as connection:
            number = len(Repository(connection).manufacturers().values)
            yield fine("repository", f"{section.repository_url} has {number} manufacturers")
            # Reading what is published needs no key, so a section without one can run.
            if not connection.has_key:
                yield fine("api-key", "there is none: nothing will be submitted")
                return
            Queue(connection).check_key()
            yield fine("api-key", f"accepted for {section.api_user_id or '(no user id)'}")
    except SyncError as error:
        yield broken_by("repository", error)
