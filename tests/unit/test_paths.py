"""No name that a source gives leads out of its folder."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from shared.paths import confine, safe_relative_path


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "original/run 1/a,b.txt",
        "..a/b..",
        "aa:b",
        ".hidden",
        "\u00e4/\U0001f600",
        "x" * 255,
        "Icon\r",
        "a\nb\tc\x85d\x7fe",
        "a\\b",
        "..\\..\\b",
        "C:",
        "c:windows/system32",
        " ",
    ],
)
def test_an_ordinary_path_stays_as_it_is(text: str) -> None:
    assert safe_relative_path(text) == PurePosixPath(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty"),
        ("/etc/passwd", "is absolute"),
        ("//host/share", "is absolute"),
        ("a//b", "an empty segment"),
        ("a/", "an empty segment"),
        (".", r"the segment '\.'"),
        ("a/./b", r"the segment '\.'"),
        ("..", r"the segment '\.\.'"),
        ("a/../../b", r"the segment '\.\.'"),
        ("a\0b", "a NUL"),
        ("a\ud800", "a surrogate"),
        ("a/" + "\u00e4" * 128, "over 255 bytes"),
    ],
)
def test_a_path_that_could_lead_elsewhere_is_refused_with_the_reason(
    text: str, reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        safe_relative_path(text)


def test_a_path_is_confined_whether_it_exists_or_not(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    assert confine(tmp_path, PurePosixPath("here")) == tmp_path / "here"
    assert confine(tmp_path, PurePosixPath("there/x")) == tmp_path / "there" / "x"
    assert confine(tmp_path / "later", PurePosixPath("x")) == tmp_path / "later" / "x"


@pytest.mark.parametrize("target", ["..", "../outside", "/etc", "../root-of-another"])
def test_a_symbolic_link_that_leads_out_is_refused(tmp_path: Path, target: str) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "link").symlink_to(target)
    with pytest.raises(ValueError, match="leads outside of"):
        confine(root, PurePosixPath("link/file"))


def test_a_symbolic_link_that_stays_inside_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert confine(tmp_path, PurePosixPath("link/file")) == tmp_path / "link" / "file"


def test_a_root_that_is_itself_a_link_is_no_way_out(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "root").symlink_to("real")
    assert confine(tmp_path / "root", PurePosixPath("file")) == tmp_path / "root" / "file"


def test_links_in_a_loop_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(ValueError, match="loop"):
        confine(tmp_path, PurePosixPath("a/file"))
