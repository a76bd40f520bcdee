"""Checks what only the daemon needs, for ``check-config``."""

from __future__ import annotations

import errno
import http.client
import json
import os
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from harvester.execution.schedule import schedule_of
from harvester.settings.harvester import HarvesterSettings
from shared.errors import ConfigError
from shared.monitoring import listening_socket
from shared.settings.quantities import ListenAddress

_PATIENCE = 3.0


def daemon_faults(settings: HarvesterSettings) -> Iterator[str]:
    """Yield faults. Each names its key, or the environment variable."""
    try:
        now = datetime.now(UTC)
        schedule = schedule_of(settings)
        schedule.after(schedule.first(now))
    except ConfigError as error:
        yield from error.faults
    if settings.run_schedule and (fault := unwritable(settings.run_schedule_file)):
        yield f"run-schedule-file = {settings.run_schedule_file}: {fault}"
    if settings.monitor_address and (fault := _occupied(settings.monitor_address)):
        yield f"monitor-address = {settings.monitor_address}: {fault}"


def unwritable(file: Path) -> str | None:
    """Why a file cannot be written, None if it can. Missing folders are no obstacle."""
    if file.is_dir():
        return "a folder lies in its place; name a file"
    if file.exists() and not os.access(file, os.W_OK):
        return "the file cannot be written to; give this program's user the right"
    folder = next(place for place in file.parents if place.exists())
    if not folder.is_dir():
        return f"{folder} is no folder; correct the path"
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"nothing can be written in {folder}; give this program's user the right"
    return None


def _occupied(address: ListenAddress) -> str | None:
    """Why a daemon could not listen there, None if it could or already does."""
    try:
        listening_socket(address.host, address.port).close()
    except OSError as error:
        if error.errno == errno.EADDRINUSE and _is_a_monitor(address):
            return None
        return f"cannot listen there: {error.strerror or error}; choose another address or port"
    return None


def _is_a_monitor(address: ListenAddress) -> bool:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address.host, address.host)  # noqa: S104
    try:
        with closing(http.client.HTTPConnection(host, address.port, timeout=_PATIENCE)) as asked:
            asked.request("GET", "/healthz")
            answer = json.loads(asked.getresponse().read(100_000))
    except (OSError, http.client.HTTPException, ValueError):
        return False
    return isinstance(answer, dict) and {"status", "details"} <= answer.keys()
