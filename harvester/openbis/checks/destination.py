"""Checks of the destination for a section whose source is an openBIS."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlalchemy import Connection

from harvester.openbis.destination.access import authorise, data_store
from harvester.openbis.section import SectionConfig
from harvester.runs.destination_check import OpenDestination
from harvester.runs.findings import Finding, broken, broken_by, fine, untried
from harvester.settings.harvester import HarvesterSettings
from shared.errors import ConfigError, SyncError
from shared.store import sources
from shared.store.files import DataStore
from shared.store.mounted import mount_faults

_USER = "harvester-user"


def check_destination(
    section: SectionConfig, settings: HarvesterSettings, connection: Connection
) -> Iterator[Finding]:
    """The folders that are not mounted, and whether the user may write."""
    yield from _unmounted(section, settings, connection)
    yield _user(section, connection)


def check_user(section: SectionConfig, destination: OpenDestination) -> Finding:
    try:
        with destination.connected() as connection:
            if connection is None:
                return untried(_USER, "the database cannot be opened")
            return _user(section, connection)
    except SyncError as error:
        return broken_by(_USER, error)


def _user(section: SectionConfig, connection: Connection) -> Finding:
    try:
        authorise(connection, section)
    except ConfigError as error:
        return broken_by(_USER, error)
    return fine(_USER, f"{section.harvester_user} may log in, and is an instance admin")


def data_store_of(section: SectionConfig, destination: OpenDestination) -> DataStore | None:
    """The data store; None if the database cannot be opened."""
    with destination.connected() as connection:
        if connection is None:
            return None
        return data_store(connection, section, destination.settings)


def unmounted(section: SectionConfig, destination: OpenDestination) -> list[Finding]:
    """The faults of the destination's folders."""
    with destination.connected() as connection:
        if connection is None:
            return []
        return list(_unmounted(section, destination.settings, connection))


def _unmounted(
    section: SectionConfig, settings: HarvesterSettings, connection: Connection
) -> Iterator[Finding]:
    store = data_store(connection, section, settings)
    for fault in mount_faults(connection, store, section.alias):
        yield broken("folders", fault)


def known_data_sets(destination: OpenDestination, codes: Iterable[str]) -> set[str]:
    """The codes of the data sets that are here already."""
    with destination.connected() as connection:
        return sources.known_data_sets(connection, codes) if connection else set()


def spaces_of(section: SectionConfig, destination: OpenDestination) -> set[str]:
    """The spaces that the section brought, by their codes in the source."""
    prefix = (section.prefix or "").upper()
    with destination.connected() as connection:
        found = sources.spaces_from(connection, section.alias) if connection else set()
    return {code.removeprefix(prefix) for code in found}
