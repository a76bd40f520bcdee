"""Recognises the version of openBIS of a data source, and chooses the wire format of its lists.

No document names a version. openBIS 20.10 fails without a ``verb``; openBIS 7 describes itself
then, as our own source server does, whose capability list has an attribute that openBIS 7's has not
(openbis-7-sync.md, 5).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from harvester.openbis.section import SectionConfig, SourceVersion
from harvester.openbis.source.source import Source
from shared.errors import SourceError, SourceRefusedError
from shared.resourcesync.terms import Document
from shared.resourcesync.v7.version import V7
from shared.resourcesync.v20.version import V20
from shared.resourcesync.wire_format import WireFormat

_OK = 200
_FAILED = 500
_REFUSED = frozenset({401, 403})
_DESCRIPTION = b'capability="description"'
_CAPABILITY_LIST = b'capability="capabilitylist"'
_FROM = b' from="'


class Peer(StrEnum):
    """Who writes the lists of a data source."""

    OPENBIS_20 = "an openBIS 20.10"
    OPENBIS_7 = "an openBIS 7"
    OURS = "a source server of openbis-sync"


@dataclass(frozen=True, slots=True)
class Recognised:
    """A peer, and how it was recognised."""

    peer: Peer
    reason: str

    def __str__(self) -> str:
        return f"{self.peer}: {self.reason}"


def wire_format_of(peer: Peer) -> WireFormat:
    """How to read the lists of a peer."""
    return {Peer.OPENBIS_20: V20, Peer.OPENBIS_7: V7, Peer.OURS: V20}[peer]


def recognise(source: Source, config: SectionConfig) -> Recognised:
    """One or two small requests, none if ``source-version`` says it. Raises `SourceError` if it
    cannot be said."""
    match config.source_version:
        case SourceVersion.OPENBIS_20:
            return Recognised(Peer.OPENBIS_20, "source-version says so")
        case SourceVersion.OPENBIS_7:
            return Recognised(Peer.OPENBIS_7, "source-version says so")
    about = source.look(None)
    if about.status == _FAILED:
        return Recognised(Peer.OPENBIS_20, "without a verb it answers with status 500")
    if about.status == _OK and _DESCRIPTION in about.body:
        capabilities = source.look(Document.CAPABILITY_LIST)
        if capabilities.status == _OK and _CAPABILITY_LIST in capabilities.body:
            return _by_capabilities(capabilities.body)
        about = capabilities
    if about.status in _REFUSED:
        raise SourceRefusedError(
            f"{config.resource_list_url} refuses user {config.data_source_auth_user} with status "
            f"{about.status}; check data-source-auth-user and data-source-auth-pass"
        )
    raise SourceError(
        f"{config.resource_list_url} does not show whether it is an openBIS 7 (status "
        f"{about.status}: {about.text}); check resource-list-url, or set source-version"
    )


def _by_capabilities(document: bytes) -> Recognised:
    if _FROM in document:
        return Recognised(Peer.OURS, "its capability list has the attribute from")
    return Recognised(
        Peer.OPENBIS_7, "it answers without a verb, and its capability list has no attribute from"
    )
