"""``source-server document``: the bytes of a document without HTTP."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator

from shared.errors import ConfigError
from shared.resourcesync.v20.version import V20
from source_server.instance import opened
from source_server.publication.catalogue import Catalogue, Scope, Snapshot
from source_server.publication.documents import DOCUMENTS
from source_server.publication.peers import Peers
from source_server.publication.published import Publication, Visible, everything
from source_server.publication.roots import ROOT, Flag, parse_roots
from source_server.publication.selection import Selection, parse_patterns
from source_server.publication.service_files import ServiceFiles
from source_server.settings import read_settings

_DOCUMENTS = {document.verb.stem: document for document in DOCUMENTS}
# What shells report of a program that the signal SIGPIPE (13) ended: 128 + 13.
_BROKEN_PIPE_EXIT_CODE = 141


def write_document(options: argparse.Namespace) -> int:
    """Write a document to standard output. One that breaks off ends with an error."""
    settings = read_settings(options.config)
    selection = Selection(
        black=parse_patterns("--black-list", options.black_list),
        white=parse_patterns("--white-list", options.white_list),
        roots=parse_roots(_parameters(options)),
    )
    with opened(settings) as instance:
        whole = Publication(
            catalogue=instance.catalogue,
            addresses=settings.addresses,
            service_files=ServiceFiles.of(settings),
            wire_format=V20,
        )
        publication = Peers.of(settings).answered(whole, selection.roots)
        visible = _visible(instance.catalogue, options.user)
        document = _DOCUMENTS[options.document]
        for chunk in document.write(publication, visible, selection):
            if not _written(chunk):
                return _BROKEN_PIPE_EXIT_CODE
    return 0


def _parameters(options: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """The parameters of the request that the options stand for."""
    yield from ((ROOT, root) for root in options.exportable_perm_id)
    yield from ((flag.value, "true") for flag in Flag if getattr(options, flag.value))


def _visible(catalogue: Catalogue, user_id: str | None) -> Visible:
    if user_id is None:
        return everything

    def visible(_snapshot: Snapshot) -> Scope:
        scope = catalogue.scope_of(user_id)
        if scope is None:
            raise ConfigError(f"--user {user_id}: there is no such user, or the user has no role")
        return scope

    return visible


def _written(chunk: bytes) -> bool:
    """Write a chunk; False if standard output was closed."""
    try:
        sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # silences the last flush
        return False
    return True
