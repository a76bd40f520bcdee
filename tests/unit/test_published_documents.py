"""The table of the documents that are published."""

from __future__ import annotations

import pytest

from shared.resourcesync.terms import Document
from source_server.publication.documents import DOCUMENTS, document_of
from source_server.web.requests_watched import Served


def test_each_verb_has_one_row() -> None:
    assert [one.verb for one in DOCUMENTS] == list(Document)


def test_each_document_but_the_first_is_named_by_one_above_it() -> None:
    for number, one in enumerate(DOCUMENTS[1:], 1):
        assert one.named_by in {above.verb for above in DOCUMENTS[:number]}


def test_each_document_is_counted_by_its_name() -> None:
    assert {one.verb.stem for one in DOCUMENTS} <= set(Served)


@pytest.mark.parametrize(
    ("verbs", "expected"),
    [
        ([], Document.ABOUT),
        (["nonsense"], Document.ABOUT),
        (["resourcelist.xml"], Document.RESOURCE_LIST),
        (["resourcelist.xml", "capabilitylist.xml"], Document.CAPABILITY_LIST),
    ],
)
def test_the_first_row_that_is_among_the_verbs_is_meant(
    verbs: list[str], expected: Document
) -> None:
    assert document_of(verbs).verb is expected
