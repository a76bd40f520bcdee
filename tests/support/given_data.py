"""Data that were given to the project and are no part of it: databases of real openBIS servers,
recordings of real openDCIM programs, a manual. They lie in the folder ``shared`` beside the
project, or where the environment variable OPENBIS_SYNC_TEST_DATA says; if that is set to nothing,
the tests run as for a person who has none of them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

VARIABLE = "OPENBIS_SYNC_TEST_DATA"
# Why a test is skipped that needs them.
NOT_THERE = "the given data are not there"


def folder_of(environment: Mapping[str, str]) -> Path | None:
    """None if there are no such data."""
    place = environment.get(VARIABLE)
    if place is None:
        folder = Path(__file__).parents[3] / "shared"
    elif place:
        folder = Path(place).absolute()
    else:
        return None
    return folder if (folder / "data").is_dir() else None


FOLDER = folder_of(os.environ)


def is_given(path: str) -> bool:
    return FOLDER is not None and (FOLDER / path).exists()


def given(path: str) -> Path:
    """A given file or folder; the test is skipped where there is none."""
    if FOLDER is None or not is_given(path):
        pytest.skip(NOT_THERE)
    return FOLDER / path


def openbis_file(name: str) -> Path:
    return given(f"data/openbis/{name}")


def captures() -> Path:
    """The folder of what real openDCIM programs asked and answered."""
    return given("data/opendcim-captures")
