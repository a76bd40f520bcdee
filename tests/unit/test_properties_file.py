"""The rules of `java.util.Properties.load`, and what openBIS adds to them."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.errors import ConfigError
from shared.properties_file import read_entries, read_properties


def read(folder: Path, content: str | bytes) -> dict[str, str]:
    file = folder / "some.properties"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_properties(file)


@pytest.mark.parametrize(
    ("line", "key", "value"),
    [
        ("a=b", "a", "b"),
        ("  a = b  ", "a", "b"),
        ("a:b", "a", "b"),
        ("a b", "a", "b"),
        ("a\tb", "a", "b"),
        ("a = = b", "a", "= b"),
        ("a : = b", "a", "= b"),
        ("a", "a", ""),
        ("a =", "a", ""),
        (r"a\=b = c", "a=b", "c"),
        (r"a\:\ b = c", "a: b", "c"),
        (r"a\\=b", "a\\", "b"),
        (r"a = \u0041\u00e4", "a", "A\u00e4"),
        (r"a = \ud83d\ude00", "a", "\U0001f600"),
        (r"a = x\ty\\z\q", "a", "x\ty\\zq"),
        ("a = b # c ! d", "a", "b # c ! d"),
        ("a = 100%sure", "a", "100%sure"),
    ],
)
def test_a_line_is_split_as_java_splits_it(tmp_path: Path, line: str, key: str, value: str) -> None:
    assert read(tmp_path, line + "\n") == {key: value}


def test_comments_and_empty_lines_are_passed_over(tmp_path: Path) -> None:
    assert read(tmp_path, "# a = 1\n  ! b = 2\n\n \t\nc = 3") == {"c": "3"}


def test_a_backslash_at_the_end_continues_a_line_without_its_indentation(tmp_path: Path) -> None:
    assert read(tmp_path, "a = one, \\\n    two, \\\r\n\tthree\nb = 1") == {
        "a": "one, two, three",
        "b": "1",
    }


def test_two_backslashes_at_the_end_continue_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, "a = b\\\\\nc = d") == {"a": "b\\", "c": "d"}


def test_a_comment_is_never_continued_but_a_continued_line_may_look_like_one(
    tmp_path: Path,
) -> None:
    assert read(tmp_path, "# x \\\na = 1 \\\n# 2") == {"a": "1 # 2"}


def test_a_file_that_ends_with_a_continuation_keeps_its_last_property(tmp_path: Path) -> None:
    assert read(tmp_path, "a = b\\") == {"a": "b"}


def test_the_last_of_two_equal_keys_wins(tmp_path: Path) -> None:
    assert read(tmp_path, "a = 1\na = 2") == {"a": "2"}


@pytest.mark.parametrize(
    "content", ["a = \u00e4".encode(), b"\xef\xbb\xbfa = \xc3\xa4", "a = \u00e4".encode("latin-1")]
)
def test_utf_8_is_read_with_and_without_byte_order_mark_and_latin_1_otherwise(
    tmp_path: Path, content: bytes
) -> None:
    assert read(tmp_path, content) == {"a": "\u00e4"}


def test_every_line_end_counts(tmp_path: Path) -> None:
    assert read(tmp_path, "a = 1\rb = 2\r\nc = 3\n") == {"a": "1", "b": "2", "c": "3"}


def test_an_entry_knows_the_line_where_it_starts(tmp_path: Path) -> None:
    file = tmp_path / "some.properties"
    file.write_text("# one\n\na = \\\n b\nc = d\n")
    assert [(entry.key, entry.line) for entry in read_entries(file)] == [("a", 3), ("c", 5)]


@pytest.mark.parametrize("value", [r"\u12", r"\uxyzw", r"C:\users", r"\ud83d alone"])
def test_a_malformed_escape_is_told_with_file_and_line(tmp_path: Path, value: str) -> None:
    with pytest.raises(ConfigError, match=r"some\.properties:2: malformed escape"):
        read(tmp_path, f"a = 1\nb = {value}\n")


def test_all_malformed_escapes_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, "a = \\u1\nb = fine\nc = \\u2\n")
    assert len(caught.value.faults) == 2


def test_a_missing_file_is_told_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.properties: .* No such file"):
        read_properties(tmp_path / "nowhere.properties")
