"""``source-server opendcim tidy``: removes pictures that nothing needs any more."""

from __future__ import annotations

import argparse
import time

from sqlalchemy import Connection, select

from opendcim.repository import tables
from opendcim.repository.commands.opening import repository_settings
from opendcim.repository.part import opened_pictures
from opendcim.repository.queue import State
from opendcim.repository.storage import opened_repository, writing
from opendcim.repository.stored import pictures_of
from shared.plain_lines import say

# Seconds: younger pictures stay, since a picture is stored before the row that needs it.
_JUST_NOW = 60 * 60


def tidy(options: argparse.Namespace) -> int:
    """Removes pictures of rejected submissions, and pictures replaced before a decision."""
    settings = repository_settings(options)
    store = opened_pictures(settings)
    with (
        opened_repository(settings.opendcim_repository_database_url) as engine,
        # The write lock keeps rows from being added between the query and the removal.
        writing(engine) as connection,
    ):
        removed = store.remove_others(_needed(connection), older_than=time.time() - _JUST_NOW)
    say(f"{removed} pictures removed")
    return 0


def _needed(connection: Connection) -> set[str]:
    """Hashes of the pictures to keep."""
    submission, version = tables.submission, tables.template_version
    queries = (
        select(tables.template.c.pictures),
        select(version.c.pictures),
        select(submission.c.pictures).where(submission.c.state == State.PENDING.value),
    )
    return {
        picture.sha256
        for query in queries
        for text in connection.execute(query).scalars()
        for picture in pictures_of(text).values()
    }
