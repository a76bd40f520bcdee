"""The head of a run in the section's log."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

from harvester.logs.summaries import WIDTH
from harvester.openbis.section import SectionConfig
from harvester.openbis.state import LastSync


def banner_lines(config: SectionConfig, last: LastSync | None, *, baseline: bool) -> Iterator[str]:
    """The source, the mode, both stored timestamps, and the type of the run with its reason."""
    yield "=" * WIDTH
    yield f"Data source: {_source(config)}, user: {config.data_source_auth_user}"
    yield f"Mode: {'dry run only' if config.dry_run else 'dry run first, then the same in earnest'}"
    yield f"Verbose: {'true' if config.verbose else 'false'}"
    yield f"Last incremental synchronization: {_stamp(last.incremental) if last else 'never'}"
    yield f"Last full synchronization: {_stamp(last.full) if last else 'never'}"
    yield _kind_of_run(config, last, baseline=baseline)


def _source(config: SectionConfig) -> str:
    """The URL without its query, which may hold what must not be in a log."""
    return urlsplit(config.resource_list_url)._replace(query="").geturl()


def _stamp(time: datetime) -> str:
    return time.astimezone().isoformat(sep=" ", timespec="seconds")


def _kind_of_run(config: SectionConfig, last: LastSync | None, *, baseline: bool) -> str:
    if last is None:
        return "Initial synchronization: this section was never synchronized"
    days = (datetime.now(UTC) - last.full).days
    interval = (
        f"the last full one is {days} days old, full-sync-interval is {config.full_sync_interval}"
    )
    if baseline:
        return f"Full synchronization, which also looks after the files that are here: {interval}"
    why = interval if config.full_sync else "full-sync is false"
    return f"Incremental synchronization: {why}"


def banner_fields(config: SectionConfig, last: LastSync | None) -> dict[str, object]:
    """The head of the run as values for programs."""
    return {
        "source": _source(config),
        "user": config.data_source_auth_user,
        "dry_run": config.dry_run,
        "verbose": config.verbose,
        "last_incremental": last.incremental.isoformat() if last else None,
        "last_full": last.full.isoformat() if last else None,
    }
