"""Only the store begins transactions, since it knows how to wait for other writers; and tables that
vanish lie in the scratch schema."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.support.instances.instance import PROJECT

_BEGINS = frozenset({"begin", "begin_twophase"})
# These open databases of their own: an openBIS, an openDCIM, a template repository.
_OF_OTHER_DATABASES = {
    "source_server/catalogues/openbis/connect.py",
    "opendcim/connector/rows.py",
    "opendcim/repository/storage.py",
}
_TEMPORARY = re.compile(r"\bCREATE\s+(?:GLOBAL\s+|LOCAL\s+)?TEMP", re.IGNORECASE)
# They have a connection for each look at a database, which ends with its transaction; so nothing
# comes after a rollback, behind which SQLite's own temporary tables are not safe.
_OF_ONE_TRANSACTION = {
    "source_server/catalogues/openbis/kept_mentions.py",
    "source_server/catalogues/openbis/kept_states.py",
    "source_server/catalogues/openbis/state_changes.py",
}
_UNPLACED = re.compile(r"\bCREATE\s+TABLE\s+(?!pg_temp\.)", re.IGNORECASE)


def sources(*suffixes: str) -> Iterator[Path]:
    for folder in ("harvester", "opendcim", "shared", "source_server"):
        yield from (p for p in (PROJECT / folder).rglob("*") if p.suffix in suffixes)


def begins_a_transaction(file: Path) -> bool:
    """By a call without arguments; other things that begin are told what."""
    calls = (node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call))
    plain = (call.func for call in calls if not call.args and not call.keywords)
    return any(isinstance(func, ast.Attribute) and func.attr in _BEGINS for func in plain)


def test_only_the_store_begins_transactions() -> None:
    found = {str(p.relative_to(PROJECT)) for p in sources(".py") if begins_a_transaction(p)}
    outside = {name for name in found if not name.startswith("shared/store/")}
    assert outside == _OF_OTHER_DATABASES


def test_no_statement_uses_sqlites_own_temporary_database() -> None:
    texts = {p: p.read_text() for p in sources(".py", ".sql")}
    found = {str(p.relative_to(PROJECT)) for p, text in texts.items() if _TEMPORARY.search(text)}
    assert found == _OF_ONE_TRANSACTION
    statements = {p: text for p, text in texts.items() if p.suffix == ".sql"}
    assert len(statements) > 4
    assert [p for p, text in statements.items() if _UNPLACED.search(text)] == []
