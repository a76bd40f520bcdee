"""Files of the file service in our own store: who may see them, and how they are marked."""

from __future__ import annotations

import os

import pytest
from sqlalchemy import event

from shared.model.ids import Code
from source_server.catalogues.embedded import EmbeddedCatalogue
from source_server.publication.catalogue import Scope
from tests.support.instances.builders import a_sample, a_space
from tests.support.instances.instance import Instance

ALPHA = Scope(spaces=frozenset({Code("ALPHA")}))
BETA = Scope(spaces=frozenset({Code("BETA")}))


@pytest.fixture
def catalogue(instance: Instance) -> EmbeddedCatalogue:
    """Two texts mention files: a property in ALPHA, and a description in BETA."""
    instance.load(
        a_space(),
        a_space("BETA", description="<img src=\"/openbis/file-service/beta.png\"> 'x'"),
        a_sample(20, properties={"NOTES": "'openbis/file-service/eln/ü.png' \"later\""}),
    )
    root = instance.root / "file-service"
    for path in ("eln/ü.png", "eln/ü", "beta.png", "unmentioned.png"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(path.encode())
    return EmbeddedCatalogue(instance.engine, store_root=instance.root / "store", service_root=root)


@pytest.mark.parametrize(
    ("path", "in_alpha", "in_beta"),
    [
        ("eln/ü.png", True, False),
        ("beta.png", False, True),
        ("eln/ü", False, False),
        ("unmentioned.png", False, False),
        ("eln", False, False),
        ("../instance.db", False, False),
    ],
)
def test_a_file_is_served_to_who_sees_a_text_that_mentions_it(
    catalogue: EmbeddedCatalogue, path: str, *, in_alpha: bool, in_beta: bool
) -> None:
    assert (catalogue.service_file(path, ALPHA) is not None) is in_alpha
    assert (catalogue.service_file(path, BETA) is not None) is in_beta


def test_a_mention_is_found_as_soon_as_it_is_made(
    catalogue: EmbeddedCatalogue, instance: Instance
) -> None:
    before = catalogue.service_file("unmentioned.png", ALPHA)
    notes = "openbis/file-service/unmentioned.png"
    instance.load(a_sample(21, code="OTHER", properties={"NOTES": notes}))
    assert before is None
    assert catalogue.service_file("unmentioned.png", ALPHA) is not None


def test_the_etag_changes_with_the_file(catalogue: EmbeddedCatalogue, instance: Instance) -> None:
    file = instance.root / "file-service" / "beta.png"
    first, again = (
        catalogue.service_file("beta.png", BETA),
        catalogue.service_file("beta.png", BETA),
    )
    os.utime(file, (1, 1))
    touched = catalogue.service_file("beta.png", BETA)
    assert first
    assert touched
    assert first == again
    assert touched.etag != first.etag
    assert touched.modified
    assert touched.modified.timestamp() == 1


def test_the_texts_are_not_searched_again_for_every_part_of_a_file(
    catalogue: EmbeddedCatalogue, instance: Instance
) -> None:
    catalogue.service_file("beta.png", BETA)
    statements = []
    event.listen(instance.engine, "before_cursor_execute", lambda *told: statements.append(told[2]))
    assert catalogue.service_file("beta.png", BETA) is not None
    assert statements == []
