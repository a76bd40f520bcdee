"""Where an error of any class may end: at the edge of a program, a section or a thread, and where a
foreign decoder is fed. All other code names the classes that it expects."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator

from tests.unit.test_docs import PROJECT

_BROAD = frozenset({"Exception", "BaseException"})

# Each module once: it catches any error in one place.
ALLOWED = {
    "shared/command_line.py": "the program: one line for a person, and an exit code",
    "shared/edges.py": "`settle`: the error goes to the threads that wait for the outcome",
    "shared/monitoring.py": "a question of the monitor: its answer says that it failed",
    "harvester/execution/one_section.py": "the section: the error stands in its report and log",
    "harvester/logs/log_files.py": "a handler of logging, which must not raise",
    "harvester/runs/watchdog.py": "the watchdog's thread: what it frees may have ended by itself",
    "opendcim/repository/picture_store.py": "Pillow, fed with what a client sent",
    "opendcim/sync/pictures.py": "Pillow, fed with what a repository sent",
}

# Modules that use `shared.edges.ErrorEdge`, which logs the error with its traceback.
EDGES = {
    "harvester/daemon/loop.py": "an execution of the daemon: the next one begins all the same",
    "harvester/execution/batch.py": "what surrounds a section: the others go on",
    "harvester/notices/notifying.py": "a notice: the section's result stands without it",
    "harvester/notices/settings_faults.py": "as above",
    "opendcim/connector/workers.py": "the connector's threads, which must not end",
    "source_server/web/reachability.py": "the thread that asks the instance",
}


def trees() -> Iterator[tuple[str, ast.Module]]:
    for package in ("harvester", "opendcim", "shared", "source_server"):
        for path in sorted((PROJECT / package).rglob("*.py")):
            yield str(path.relative_to(PROJECT)), ast.parse(path.read_text(encoding="utf-8"))


def is_broad(expression: ast.expr | None) -> bool:
    """Whether it names a class of all errors; a bare ``except`` names none."""
    if expression is None:
        return True
    names = {node.id for node in ast.walk(expression) if isinstance(node, ast.Name)}
    return bool(names & _BROAD)


def catches_everything(node: ast.AST) -> bool:
    if isinstance(node, ast.ExceptHandler):
        return is_broad(node.type)
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("suppress"):
        return any(map(is_broad, node.args))
    return False


def test_broad_excepts_stand_only_at_the_edges() -> None:
    found = Counter(
        name for name, tree in trees() for node in ast.walk(tree) if catches_everything(node)
    )
    assert found == Counter(dict.fromkeys(ALLOWED, 1))
    assert len(ALLOWED) <= 8


def test_errors_end_silently_nowhere_else() -> None:
    found = {
        name
        for name, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "ErrorEdge"
    }
    assert found == set(EDGES)


def test_what_catches_everything_is_recognised() -> None:
    broad = (
        "try: f()\nexcept: g()",
        "try: f()\nexcept (OSError, Exception): g()",
        "try: f()\nexcept BaseException as error: raise",
        "with contextlib.suppress(ValueError, Exception): f()",
    )
    narrow = "try: f()\nexcept (OSError, ValueError): g()\nwith suppress(OSError): f()"
    for text in broad:
        assert any(map(catches_everything, ast.walk(ast.parse(text))))
    assert not any(map(catches_everything, ast.walk(ast.parse(narrow))))
