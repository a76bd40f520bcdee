"""Docstrings are plain English: they name the thing, and begin with no preposition of a list."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
# Modules that were gone through, as patterns below the project.
_STORE = """
bulk changes doubles engine files identity incoming load locks master_data prepared published read
rows scope_queries scratch sessions shipped shown sources statements tables trial upgrade users
writers
"""
FINISHED = (
    "opendcim/**/*.py",
    "shared/*.py",
    "shared/model/*.py",
    *(f"shared/store/{name}.py" for name in _STORE.split()),
)

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
    for pattern in FINISHED:
        yield from sorted(PROJECT.glob(pattern))


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


@pytest.mark.parametrize("pattern", FINISHED)
def test_what_is_finished_exists(pattern: str) -> None:
    assert list(PROJECT.glob(pattern))


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
