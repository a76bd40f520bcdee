"""Only the store begins transactions and touches the driver of a database."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.unit.test_docs import PROJECT

_BEGINS = frozenset({"begin_nested", "commit", "rollback", "exec_driver_sql", "driver_connection"})
_OF_CONNECTIONS = frozenset({"connection", "engine", "_engine"})
ROOMS = ("harvester", "source_server")
OTHERS = {
    # a database of openBIS, which is only read
    "source_server/catalogues/openbis/connect.py",
    "source_server/catalogues/openbis/changes.py",
}


def touched(code: str) -> Iterator[str]:
    """What only a store does, with the number of its line."""
    for node in ast.walk(ast.parse(code)):
        if not isinstance(node, ast.Attribute):
            continue
        owner = (
            node.value.id if isinstance(node.value, ast.Name) else getattr(node.value, "attr", "")
        )
        if node.attr in _BEGINS or (node.attr == "begin" and owner in _OF_CONNECTIONS):
            yield f"{node.lineno}: {node.attr}"


@pytest.mark.parametrize("room", ROOMS)
def test_only_the_store_begins_transactions(room: str) -> None:
    found = {
        f"{name}:{what}"
        for path in (PROJECT / room).rglob("*.py")
        if (name := str(path.relative_to(PROJECT))) not in OTHERS
        for what in touched(path.read_text(encoding="utf-8"))
    }
    assert found == set()


def test_the_search_finds_what_it_looks_for() -> None:
    for other in OTHERS:
        code = (PROJECT / other).read_text(encoding="utf-8")
        assert any(what.endswith(("begin", "begin_nested")) for what in touched(code))
    store = (PROJECT / "shared" / "store" / "trial.py").read_text(encoding="utf-8")
    assert any(what.endswith("driver_connection") for what in touched(store))
