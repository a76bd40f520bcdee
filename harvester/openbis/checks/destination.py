"""What a section whose source is an openBIS needs of the destination."""

from __future__ import annotations

from collections.abc import Iterable

from harvester.openbis.destination.access import authorise, data_store
from harvester.openbis.section import SectionConfig
from harvester.runs.destination_check import OpenDestination
from harvester.runs.findings import Finding, broken_by, fine, untried
from shared.errors import SyncError
from shared.store import sources
from shared.store.files import DataStore
from shared.store.mounted import mount_faults


def check_user(section: SectionConfig, destination: OpenDestination) -> Finding:
    subject = "harvester-user"
    try:
        with destination.connected() as connection:
            if connection is None:
                return untried(subject, "the database cannot be opened")
            authorise(connection, section)
    except SyncError as error:
        return broken_by(subject, error)
    return fine(subject, f"{section.harvester_user} may log in, and is an instance admin")


def data_store_of(section: SectionConfig, destination: OpenDestination) -> DataStore | None:
    """None if the database cannot be opened."""
    with destination.connected() as connection:
        if connection is None:
            return None
        return data_store(connection, section, destination.settings)


def unmounted(section: SectionConfig, destination: OpenDestination) -> list[str]:
    """What is wrong with the folders of the destination, if anything."""
    with destination.connected() as connection:
        if connection is None:
            return []
        store = data_store(connection, section, destination.settings)
        return list(mount_faults(connection, store, section.alias))


def known_data_sets(destination: OpenDestination, codes: Iterable[str]) -> set[str]:
    """Those that are here already."""
    with destination.connected() as connection:
        return sources.known_data_sets(connection, codes) if connection else set()


def spaces_of(section: SectionConfig, destination: OpenDestination) -> set[str]:
    """The spaces that the section brought, by their codes in the source."""
    prefix = (section.prefix or "").upper()
    with destination.connected() as connection:
        found = sources.spaces_from(connection, section.alias) if connection else set()
    return {code.removeprefix(prefix) for code in found}
