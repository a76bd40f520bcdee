"""Docstrings are plain English: they name the thing, and do not begin with a bare "Of" or "As"."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
PACKAGES = ("harvester", "opendcim", "shared", "source_server")

_BEGINNING = re.compile(r"(?:Of|As|That|So)\b(?! (?:soon|long|far)\b)")
_WORDS = re.compile(r"\b(?:somebody|whoever|told|so many)\b", re.IGNORECASE)
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def docstrings(path: Path) -> Iterator[tuple[str, str]]:
    """Place and text of each docstring in a module."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, _DOCUMENTED) and (text := ast.get_docstring(node)):
            name = "" if isinstance(node, ast.Module) else node.name
            yield f"{path.relative_to(PROJECT)} {name}".rstrip(), text


def modules() -> Iterator[Path]:
    for name in PACKAGES:
        yield from sorted((PROJECT / name).rglob("*.py"))


def faults(text: str) -> list[str]:
    return [match.group() for match in (_BEGINNING.match(text), _WORDS.search(text)) if match]


def test_docstrings_are_plain_english() -> None:
    found = [(place, each) for path in modules() for place, each in docstrings(path)]
    assert found
    assert [(place, fault) for place, text in found for fault in faults(text)] == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("Of a template: its parts.", "Of"),
        ("As openDCIM stores it.", "As"),
        ("That of the repository.", "That"),
        ("So that nothing is lost.", "So"),
        ("The name by which somebody asks.", "somebody"),
        ("What whoever asks is told.", "whoever"),
        ("The user is told the reason.", "told"),
    ],
)
def test_the_dialect_is_seen(text: str, fault: str) -> None:
    assert fault in faults(text)


@pytest.mark.parametrize(
    "text",
    [
        "Whether the client has the list.",
        "As soon as one element fails, the others are skipped.",
        "Often read.",
        "Assembles the connector.",
    ],
)
def test_plain_sentences_pass(text: str) -> None:
    assert faults(text) == []


def later_texts(tree: ast.Module) -> Iterator[ast.Expr]:
    """Strings that stand alone, but are not the first statement of their block."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        for each in body[1:] if isinstance(body, list) else ():
            match each:
                case ast.Expr(value=ast.Constant(value=str())):
                    yield each


def test_constants_have_comments_above_not_texts_below() -> None:
    """No tool shows a text below a constant."""
    found = [
        f"{path.relative_to(PROJECT)}:{each.lineno}"
        for path in modules()
        for each in later_texts(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert found == []
