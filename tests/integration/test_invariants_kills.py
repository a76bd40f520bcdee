"""What must hold whatever happens (semantics, 8.3): 2, that a killed harvester loses nothing."""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from shared.model.kinds import NOT_FROZEN
from tests.builders import a_data_set, a_material, a_sample, perm_id
from tests.instances import Harvest, Instance
from tests.kitchen import HELLO, TRIAL, Kitchen
from tests.mortal import Mortals, mortals
from tests.spoiled import slow

KEYS = {"deletion_allowed": "true", "max_threads": "2"}


@pytest.fixture(scope="module")
def mortal() -> Iterator[Mortals]:
    with mortals() as processes:
        yield processes


def change_everything(source: Instance, kitchen: Kitchen) -> None:
    """New things, other contents, lost attachments, deletions."""
    raw, brew = kitchen.raw, kitchen.brew
    files = (
        source.put_file(raw.code, "original/digits + 1%.txt", b"other digits"),
        source.put_file(raw.code, "original/run/hello.txt", HELLO),
    )
    plan = source.put_attachment("plan.txt", b"first plan", b"another plan", b"third plan")
    source.load(
        replace(raw, files=files, frozen=NOT_FROZEN),
        replace(brew, attachments=(plan,), properties={"NOTES": "changed"}, connections=()),
        replace(kitchen.picture, content=b"another picture", length=15, sha256=_digest()),
        a_material(8, properties={"NOTES": "new"}),
        a_sample(81, registrator="newcomer"),
        a_data_set(82, experiment=TRIAL, files=(source.put_file(perm_id(82), "a", b"new"),)),
    )
    source.drop_attachments(kitchen.project)
    source.delete(kitchen.of_well, kitchen.container, kitchen.child, kitchen.wells[0])


def _digest() -> str:
    import hashlib

    return hashlib.sha256(b"another picture").hexdigest()
