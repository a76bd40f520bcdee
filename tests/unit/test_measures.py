"""How long modules and functions of the programs may be."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.unit.test_docs import PROJECT

LONGEST_MODULE, LONGEST_FUNCTION = 300, 40
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
