#!/usr/bin/env python3
"""Which tests cover a module: ``make tests-of MODULE=shared/store/engine.py``.

It reads the imports of all modules and runs nothing. Named are the tests that have the name of the
module in theirs, and those that import it, by themselves or by helpers and fixtures; if there are
none of these, those that reach it through the fewest other modules. Many more run through a module
without being near it: only the whole suite is all tests of it. A file of SQL stands for the modules
that name it.
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

PACKAGES = ("shared", "source_server", "harvester", "opendcim", "tests")


@dataclass(slots=True)
class Module:
    """A file, and what it imports: by the name to which it is bound."""

    path: Path
    tree: ast.Module
    bound: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    @property
    def imports(self) -> set[str]:
        return set().union(*self.bound.values())


class Project:
    """All modules below a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.modules: dict[str, Module] = {}
        for package in PACKAGES:
            for path in sorted((root / package).rglob("*.py")):
                tree = ast.parse(path.read_text(encoding="utf-8"))
                self.modules[self.name_of(path)] = Module(path.relative_to(root), tree)
        for module in self.modules.values():
            self._bind(module)

    def name_of(self, path: Path) -> str:
        parts = path.relative_to(self.root).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def _bind(self, module: Module) -> None:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Import):
                for one in node.names:
                    self._add(module, one.asname or one.name.partition(".")[0], one.name)
            elif isinstance(node, ast.ImportFrom) and node.module:
                for one in node.names:
                    whole = f"{node.module}.{one.name}"
                    name = whole if whole in self.modules else node.module
                    self._add(module, one.asname or one.name, name)

    def _add(self, module: Module, name: str, imported: str) -> None:
        if imported in self.modules:
            module.bound[name].add(imported)

    @property
    def tests(self) -> Iterator[tuple[str, Module]]:
        for name, module in self.modules.items():
            if module.path.name.startswith("test_"):
                yield name, module

    @cached_property
    def fixtures(self) -> dict[Path, dict[str, set[str]]]:
        """What each fixture of a conftest.py uses, by the folder and the name of the fixture."""
        return {
            module.path.parent: {
                node.name: self._used(module, node)
                for node in module.tree.body
                if isinstance(node, ast.FunctionDef)
            }
            for module in self.modules.values()
            if module.path.name == "conftest.py"
        }

    def _used(self, module: Module, function: ast.FunctionDef) -> set[str]:
        """Modules; and, with a colon before them, other functions and fixtures."""
        names = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
        names |= _parameters(function)
        found = set().union(*(module.bound.get(name, set()) for name in names))
        return found | {f":{name}" for name in names - {function.name}}

    def uses(self, name: str) -> set[str]:
        """The modules that one imports, or gets through its fixtures."""
        module = self.modules[name]
        found = module.imports
        if module.path.parts[0] == "tests" and module.path.name != "conftest.py":
            asked = {
                parameter
                for node in ast.walk(module.tree)
                if isinstance(node, ast.FunctionDef)
                for parameter in _parameters(node)
            }
            found = found | self._of_fixtures(module.path, asked)
        return {one for one in found if not one.endswith("conftest")}

    def _of_fixtures(self, path: Path, asked: set[str]) -> set[str]:
        known: dict[str, set[str]] = {}
        for folder in reversed(path.parents):  # the nearest one counts
            known |= self.fixtures.get(folder, {})
        found: set[str] = set()
        seen: set[str] = set()
        while open_ones := (asked & known.keys()) - seen:
            seen |= open_ones
            used = set().union(*(known[one] for one in open_ones))
            found |= {one for one in used if not one.startswith(":")}
            asked = asked | {one[1:] for one in used if one.startswith(":")}
        return found

    def targets(self, path: Path) -> set[str]:
        """The modules that a path stands for."""
        if path.suffix == ".py":
            return {self.name_of(path)} & self.modules.keys()
        return {
            name
            for name, module in self.modules.items()
            if module.path.parts[0] != "tests"
            for node in ast.walk(module.tree)
            if isinstance(node, ast.Constant) and node.value == path.name
        }

    def reached(self, targets: set[str]) -> dict[str, tuple[int, str]]:
        """Each test that reaches one of the modules: through how many modules of the programs, and
        through which one first."""
        importers: dict[str, set[str]] = defaultdict(set)
        for name in self.modules:
            for imported in self.uses(name):
                importers[imported].add(name)
        found: dict[str, tuple[int, str]] = dict.fromkeys(targets, (0, ""))
        distance, now = 0, set(targets)
        while now:
            later: set[str] = set()
            while now:
                one = now.pop()
                for importer in importers[one] - found.keys():
                    is_test = importer.startswith("tests.")
                    through = "" if one in targets else str(self.modules[one].path)
                    found[importer] = (distance if is_test else distance + 1, through)
                    (now if is_test else later).add(importer)
            distance, now = distance + 1, later
        tests = {name for name, _ in self.tests}
        return {name: how for name, how in found.items() if name in tests}

    def named(self, path: Path) -> set[str]:
        """Tests that have the name of the module in theirs."""
        wanted = _singular(path.stem)
        return {name for name, one in self.tests if wanted in _singular(one.path.stem)}


def _singular(stem: str) -> str:
    """With an underscore around each word."""
    return "".join(f"_{word.removesuffix('s')}_" for word in stem.split("_"))


def _parameters(function: ast.FunctionDef) -> set[str]:
    arguments = function.args
    return {one.arg for one in (*arguments.args, *arguments.kwonlyargs)}


def tests_of(project: Project, path: Path) -> Iterator[tuple[str, str]]:
    """The tests of a module, the nearest first, each with the reason why it is one."""
    reached, named = project.reached(project.targets(path)), project.named(path)
    nearest = min((distance for distance, _ in reached.values()), default=0)
    for name in sorted(named, key=lambda one: (one not in reached, one)):
        yield str(project.modules[name].path), "has its name"
    for name, (distance, through) in sorted(reached.items(), key=lambda one: (one[1][1], one[0])):
        if distance == nearest and name not in named:
            how = f"through {through}" if through else "imports it"
            yield str(project.modules[name].path), how


def main(arguments: Iterable[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("paths", nargs="+", type=Path, help="modules, or files of SQL")
    parser.add_argument("--names", action="store_true", help="only the paths of the tests")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[1])
    options = parser.parse_args(list(arguments))
    project, found = Project(options.root), dict[str, str]()
    for path in options.paths:
        whole = path if path.is_absolute() else options.root / path
        if not whole.is_file():
            parser.error(f"{path}: there is no such file")
        found = dict(tests_of(project, whole)) | found
    width = max(map(len, found), default=0)
    for test, how in found.items():
        print(test if options.names else f"{test:{width}}  {how}")  # noqa: T201 - for people
    return 0 if found else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
