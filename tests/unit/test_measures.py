"""How long modules and functions of the programs may be."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.unit.test_docs import PROJECT

LONGEST_MODULE, LONGEST_FUNCTION, DEEPEST = 300, 40, 3
_NESTING = (ast.For, ast.If, ast.Try, ast.While, ast.With)
# Functions that only list the columns of tables.
TABLES = {"opendcim/sync/installation/shape.py: opendcim_tables"}
MODULES = [
    path
    for package in ("harvester", "opendcim", "shared", "source_server")
    for path in sorted((PROJECT / package).rglob("*.py"))
]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PROJECT)))
def test_no_module_and_no_function_is_too_long(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= LONGEST_MODULE
    long = {
        f"{path.relative_to(PROJECT)}: {node.name}"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef)
        and (node.end_lineno or 0) - node.lineno >= LONGEST_FUNCTION
    }
    assert long <= TABLES


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PROJECT)))
def test_no_function_nests_too_deeply(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    assert [node.name for node in functions if depth(node) > DEEPEST] == []


def depth(node: ast.AST) -> int:
    """How many statements that nest stand within each other; ``elif`` is no deeper than ``if``."""
    deepest = 0
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.ClassDef)):
            continue
        is_elif = isinstance(node, ast.If) and isinstance(child, ast.If) and child in node.orelse
        deeper = isinstance(child, _NESTING) and not is_elif
        deepest = max(deepest, depth(child) + deeper)
    return deepest


def test_depth_counts_what_nests() -> None:
    text = "def f():\n for a in b:\n  if a: pass\n  elif c:\n   with d: pass"
    assert depth(ast.parse(text).body[0]) == DEEPEST
