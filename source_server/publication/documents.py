"""The documents that are published: a table, in the order in which verbs are looked for."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass

from shared.resourcesync.terms import Document
from shared.resourcesync.writer import write_about, write_capability_list
from source_server.publication.catalogue import Scope
from source_server.publication.list_etag import list_tag
from source_server.publication.published import Publication, Visible
from source_server.publication.resource_list import resource_list
from source_server.publication.roots import Roots
from source_server.publication.selection import Selection

Chunks = Generator[bytes, None, None]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedDocument:
    """A document that clients can ask for."""

    verb: Document
    # The document that has an entry for it.
    named_by: Document | None
    # Writes the document in chunks, the same over HTTP and on the command line.
    write: Callable[[Publication, Visible, Selection], Chunks]
    # Its ETag for a client who may see the scope and asks for the roots; None if it has none.
    etag: Callable[[Publication, Scope, Roots], str | None] | None = None
    # Whether it is sent only as often as the limits of lists allow.
    is_limited: bool = False


def document_of(verbs: list[str]) -> PublishedDocument:
    """The first row of the table that is among the verbs, else the first (wire-format.md, 1.2)."""
    return next((one for one in DOCUMENTS if one.verb.value in verbs), DOCUMENTS[0])


def _about(publication: Publication, _visible: Visible, _selection: Selection) -> Chunks:
    yield write_about(publication.addresses, _named_by(Document.ABOUT))


def _capability_list(publication: Publication, _visible: Visible, _selection: Selection) -> Chunks:
    yield write_capability_list(publication.addresses, _named_by(Document.CAPABILITY_LIST))


def _named_by(document: Document) -> list[Document]:
    return [one.verb for one in DOCUMENTS if one.named_by is document]


DOCUMENTS = (
    PublishedDocument(verb=Document.ABOUT, named_by=None, write=_about),
    PublishedDocument(
        verb=Document.CAPABILITY_LIST, named_by=Document.ABOUT, write=_capability_list
    ),
    PublishedDocument(
        verb=Document.RESOURCE_LIST,
        named_by=Document.CAPABILITY_LIST,
        write=resource_list,
        etag=list_tag,
        is_limited=True,
    ),
)
