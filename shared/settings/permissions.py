"""Which other users of this machine may read a file that holds secrets."""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_READERS = {stat.S_IRGRP: "its group", stat.S_IROTH: "others"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The user and the groups of a process."""

    user: int
    groups: Collection[int]

    @classmethod
    def own(cls) -> Self:
        return cls(user=os.geteuid(), groups={os.getegid(), *os.getgroups()})


def exposure(path: Path, status: os.stat_result, account: Account | None = None) -> str | None:
    """Which users can read a file without need, its mode, and the command that corrects it; None if
    there are none.

    If ``account`` reads another user's file by its group, such as one of root's, that group may
    read it.
    """
    reader = account or Account.own()
    is_own = reader.user in {0, status.st_uid}
    by_group = not is_own and status.st_gid in reader.groups and status.st_mode & stat.S_IRGRP
    needless = stat.S_IROTH if by_group else stat.S_IROTH | stat.S_IRGRP
    readers = [who for bit, who in _READERS.items() if status.st_mode & needless & bit]
    if not readers:
        return None
    file = shlex.quote(str(path))
    command = f"chmod {640 if by_group else 600} {file}"
    if not is_own and not by_group:
        command = f"chown {reader.user} {file} && {command}"
    mode = stat.S_IMODE(status.st_mode)
    return f"readable by {' and '.join(readers)} (mode {mode:04o}); mend it with: {command}"
