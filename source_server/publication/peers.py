"""Chooses for which version of openBIS the documents of a request are written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from shared.errors import RequestError
from shared.resourcesync.v7.version import V7
from source_server.publication.published import Publication
from source_server.publication.roots import ROOT, Roots
from source_server.settings import SourceSettings
from source_server.settings.choices import PeerFormat


@dataclass(frozen=True, slots=True, kw_only=True)
class Peers:
    """The settings about harvesters of openBIS."""

    peer_format: PeerFormat = PeerFormat.AUTO
    afs_url: str | None = None

    @classmethod
    def of(cls, settings: SourceSettings) -> Self:
        return cls(peer_format=settings.peer_format, afs_url=settings.afs_url)

    def answered(self, publication: Publication, roots: Roots) -> Publication:
        """The publication as the peer reads it. Raises `RequestError` if the settings forbid roots.

        Documents of openBIS 7 name the application file service; lists of 20.10 have the addresses
        of all files, those of AFS data among them.
        """
        if self.peer_format is PeerFormat.OPENBIS_20_10 and roots.is_asked:
            raise RequestError(
                f"{ROOT} and the parameters with_... are those of openBIS 7, and this server is set"
                " to answer harvesters of openBIS 20.10 alone: peer-format = 20.10 in its settings"
                " forbids them. Let an administrator set peer-format = auto, or leave them out"
            )
        if self.peer_format is not PeerFormat.OPENBIS_7 and not roots.is_asked:
            return publication
        return replace(
            publication,
            wire_format=V7,
            by_roots=True,
            addresses=replace(publication.addresses, afs_url=self.afs_url),
        )
