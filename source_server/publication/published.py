"""The publication, and the functions that say which part of it a client may see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from shared.resourcesync.addresses import Addresses
from shared.resourcesync.wire_format import WireFormat
from source_server.publication.afs_blocks import Md5Sums
from source_server.publication.catalogue import Catalogue, Scope, Snapshot
from source_server.publication.service_files import ServiceFiles

# Returns what the client may see. It is called with the snapshot of the answer: a space that is
# made after the sign-in, and before the snapshot, is then no reason to leave out what moved there.
Visible = Callable[[Snapshot], Scope]


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """An instance, with the addresses and the wire format of its documents.

    ``by_roots``: a list has only what the roots of its request lead to, as that of openBIS 7.
    """

    catalogue: Catalogue
    addresses: Addresses
    service_files: ServiceFiles
    wire_format: WireFormat
    by_roots: bool = False
    md5_sums: Md5Sums = field(default_factory=Md5Sums)


def everything(snapshot: Snapshot) -> Scope:
    """The scope of an operator, who needs no role."""
    return Scope(spaces=frozenset(snapshot.space_codes()))
