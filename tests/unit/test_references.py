"""References such as ``(wire-format.md, 1.6)`` lead to a section of ``docs/reference/``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
REFERENCE = PROJECT / "docs" / "reference"
PACKAGES = ("shared", "harvester", "source_server", "opendcim", "tests")
_DOCUMENTS = "|".join(path.stem for path in REFERENCE.glob("*.md"))
_REFERENCE = re.compile(rf"\b({_DOCUMENTS})\.md\)?,((?:(?:,| and| to)?\s\d+(?:\.\d+)*)+)")
_SECTION = re.compile(r"\b([\w-]+)\.md\)?, \d")
_ELSEWHERE = re.compile(r"\bthe manual\b|\bmanual's\b|wire format, \d|\bsemantics, \d")


def texts() -> Iterator[tuple[str, str]]:
    """Relative path and text, with line breaks within sentences read as blanks."""
    code = (path for name in PACKAGES for path in (PROJECT / name).rglob("*.py"))
    for path in (*code, *(PROJECT / "docs").rglob("*.md")):
        if path != Path(__file__):
            yield str(path.relative_to(PROJECT)), " ".join(path.read_text("utf-8").split())


def sections(document: str) -> set[str]:
    text = (REFERENCE / f"{document}.md").read_text(encoding="utf-8")
    return set(re.findall(r"^#+ (\d+(?:\.\d+)*)\.? ", text, re.MULTILINE))


def test_each_reference_leads_to_a_section() -> None:
    found = [
        (path, document, section)
        for path, text in texts()
        for document, numbers in _REFERENCE.findall(text)
        for section in re.findall(r"\d+(?:\.\d+)*", numbers)
    ]
    assert len(found) > 30
    assert [(p, d, s) for p, d, s in found if s not in sections(d)] == []


def test_each_document_whose_section_is_named_is_here() -> None:
    found = [(path, name) for path, text in texts() for name in _SECTION.findall(text)]
    assert len(found) > 30
    assert [(path, name) for path, name in found if name not in _DOCUMENTS.split("|")] == []


def test_no_code_refers_to_a_document_that_is_not_here() -> None:
    """The manual and its like are named beside the section that says what they say."""
    lost = [
        (path, match.group())
        for path, text in texts()
        if path.endswith(".py")
        for match in _ELSEWHERE.finditer(text)
        if not _REFERENCE.search(text[match.start() : match.end() + 60])
    ]
    assert lost == []


@pytest.mark.parametrize("path", sorted(REFERENCE.glob("*.md")), ids=lambda path: path.name)
def test_each_document_is_in_the_list_and_its_numbers_do_not_repeat(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    numbers = re.findall(r"^#+ (\d+(?:\.\d+)*)\.? ", text, re.MULTILINE)
    assert len(numbers) == len(set(numbers))
    if path.name != "README.md":
        assert f"]({path.name})" in (REFERENCE / "README.md").read_text(encoding="utf-8")
