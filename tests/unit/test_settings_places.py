"""Paths of settings: absolute, and the same however they are written."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.settings.places import absolute_below


def test_two_ways_to_write_a_path_are_one(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    expected = tmp_path / "real" / "file"
    for way in ("real/file", "link/file", "link/../real/./file", f"{tmp_path}/real/file"):
        assert absolute_below(tmp_path, Path(way)) == expected


def test_the_dots_behind_a_link_lead_out_of_what_it_links_to(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "link").symlink_to("a/b")
    assert absolute_below(tmp_path, Path("link/../file")) == tmp_path / "a" / "file"
    assert absolute_below(tmp_path, Path("link/..")) == tmp_path / "a"


def test_a_file_that_is_a_link_stays_one(tmp_path: Path) -> None:
    """Mounted secrets are links that lead elsewhere whenever the secret changes."""
    (tmp_path / "secret").symlink_to("..version-1/secret")
    assert absolute_below(tmp_path, Path("secret")) == tmp_path / "secret"


def test_the_home_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert absolute_below(Path("/elsewhere"), Path("~/store")) == tmp_path / "store"


def test_links_that_run_in_a_circle_are_a_fault(tmp_path: Path) -> None:
    (tmp_path / "circle").symlink_to("circle")
    with pytest.raises(ValueError, match="is no usable path"):
        absolute_below(tmp_path, Path("circle/file"))
