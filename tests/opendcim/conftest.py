"""A site with an openDCIM."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.opendcim.opendcim_sites import Site


@pytest.fixture
def dcim(tmp_path: Path, one_authority: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """It has no manufacturer yet, and its database is a file of SQLite."""
    monkeypatch.setenv("SSL_CERT_FILE", str(one_authority))
    site = Site(tmp_path / "site")
    site.create()
    yield site
    site.close()
