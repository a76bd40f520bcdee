"""The sets of resources for stock ResourceSync clients, and what is offered for each: a table.

ResourceSync describes several sets by several capability lists, one for each set.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from shared.resourcesync.addresses import Addresses
from shared.resourcesync.set_addresses import (
    ABOUT_PATH,
    ENTITIES_CAPABILITIES_PATH,
    FILE_LIST_PATH,
    FILES_CAPABILITIES_PATH,
    WELL_KNOWN,
    SetAddresses,
)
from shared.resourcesync.set_documents import Named, write_capabilities, write_description
from shared.resourcesync.terms import Document


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """``name`` is the value of ``capability``, such as ``resourcelist`` or ``changelist``."""

    name: str
    address: Callable[[Addresses], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceSet:
    """``path`` is that of its capability list. No two capabilities have the same name."""

    path: str
    capabilities: tuple[Capability, ...]

    def described(self, addresses: Addresses) -> bytes:
        """Its capability list."""
        sets = set_addresses(addresses)
        named = (
            Named(capability=each.name, address=each.address(addresses))
            for each in self.capabilities
        )
        return write_capabilities(sets.of(ABOUT_PATH), sets.of(WELL_KNOWN), named)


# What openBIS publishes: master data, and the records of all entities.
ENTITIES = ResourceSet(
    path=ENTITIES_CAPABILITIES_PATH,
    capabilities=(
        Capability(
            name="resourcelist",
            address=lambda addresses: addresses.document(Document.RESOURCE_LIST),
        ),
    ),
)

# All files that can be downloaded.
FILES = ResourceSet(
    path=FILES_CAPABILITIES_PATH,
    capabilities=(
        Capability(
            name="resourcelist",
            address=lambda addresses: set_addresses(addresses).of(FILE_LIST_PATH),
        ),
    ),
)

SETS = (ENTITIES, FILES)

ABOUT = """\
This server publishes an openBIS instance by ResourceSync 1.1 (https://www.openarchives.org/rs/).

Source description: /.well-known/resourcesync

There are two sets of resources, each with a capability list of its own:

/resourcesync/capabilitylist.xml
    Master data and the records of all entities, for harvesters of openBIS. The records stand in
    the resource list itself; their names are no addresses.

/resourcesync/files/capabilitylist.xml
    Files, for any ResourceSync client: those of data sets, AFS data, attachments, and files of the
    file service. Each can be fetched with the credentials of the list.

All documents show what the user may see who signs in, by Basic authentication or by a bearer token.
"""


def set_addresses(addresses: Addresses) -> SetAddresses:
    return SetAddresses(download_url=addresses.download_url)


def description(addresses: Addresses, *sets: ResourceSet) -> bytes:
    """A source description that names these sets."""
    places = set_addresses(addresses)
    return write_description(places.of(ABOUT_PATH), [places.of(each.path) for each in sets])
