"""The ``not-synced-entities-file``: what failed and is tried again, and what must not be tried.

A line ``<KIND>-<perm id>`` names an item to synchronise although it did not change (data sets by
their code, files of the file service by their path); ``ATTACHMENT-<perm id>`` names an item whose
attachments are meant; ``#DATA_SET-<code>`` black-lists a data set. Operators write into this file,
so all other lines are kept. Unlike in the original, the file lists what failed.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from pathlib import Path

from shared.atomic_file import write_atomically
from shared.errors import ConfigError
from shared.model.ids import PermId
from shared.model.kinds import Kind
from shared.properties_file import read_text

logger = logging.getLogger(__name__)

Item = tuple[Kind, PermId]

_FAILED = re.compile(rf"\s*({'|'.join(Kind)})-(.*\S)\s*")
_ATTACHMENT = re.compile(r"\s*ATTACHMENT-(.*\S)\s*")
_BLACK_LISTED = re.compile(rf"\s*#\s*{Kind.DATA_SET}-(.*\S)\s*")
# What stands in databases and settings files, and never in this one.
_FOREIGN = re.compile(r"\x00|^\s*\[[^\]\n]*\]|^\s*[\w.-]+\s*=", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotSynced:
    """The content of the file; ``other_lines`` are comments and all lines of another form."""

    failed: frozenset[Item] = frozenset()
    black_listed: frozenset[PermId] = frozenset()
    # Projects, experiments or samples whose attachments are to be looked after.
    attachments: frozenset[PermId] = frozenset()
    other_lines: tuple[str, ...] = ()


def read_not_synced(path: Path) -> NotSynced:
    """Read the file; empty if there is none. Raises `ConfigError` if it cannot be read or is
    something else: it would be overwritten."""
    failed, black_listed, attachments, others = set(), set(), set(), []
    try:
        text = read_text(path) if path.exists() else ""
    except ConfigError as error:
        raise ConfigError(f"{error}; not-synced-entities-file names it") from error
    if found := _FOREIGN.search(text):
        raise ConfigError(
            f"{path}: this is no list of failed items (it has {found[0]!r}); correct "
            "not-synced-entities-file, which names it"
        )
    # ``splitlines`` would also break a path at characters such as U+2028.
    for line in re.split(r"\r\n|\r|\n", text):
        if item := _FAILED.fullmatch(line):
            failed.add((Kind(item[1]), PermId(item[2])))
        elif item := _BLACK_LISTED.fullmatch(line):
            black_listed.add(PermId(item[1]))
        elif item := _ATTACHMENT.fullmatch(line):
            attachments.add(PermId(item[1]))
        elif line.strip():
            others.append(line)
    return NotSynced(
        failed=frozenset(failed),
        black_listed=frozenset(black_listed),
        attachments=frozenset(attachments),
        other_lines=tuple(others),
    )


def write_not_synced(path: Path, not_synced: NotSynced) -> None:
    """Replace the file atomically; an unchanged content is not written."""
    if read_not_synced(path) == not_synced:
        return
    lines = [
        *not_synced.other_lines,
        *sorted(_line(kind, perm_id) for kind, perm_id in not_synced.failed),
        *sorted(f"ATTACHMENT-{perm_id}" for perm_id in not_synced.attachments),
        *sorted(f"#{Kind.DATA_SET}-{code}" for code in not_synced.black_listed),
    ]
    write_atomically(path, "".join(f"{line}\n" for line in lines if line))


def _line(kind: Kind, perm_id: PermId) -> str:
    """A line for an item; empty for a perm id that could not be read back, for instance with a line
    break in it."""
    line = f"{kind}-{perm_id}"
    found = _FAILED.fullmatch(line)
    if found and found[2] == perm_id:
        return line
    logger.warning("%s %r failed, and cannot be noted for the next run", kind, perm_id)
    return ""
