"""A plugin of pytest: prints how many tests were skipped and why, and lets a run fail in which one
was skipped for a reason that ``skips.txt`` does not list.

It also notes which tests wanted the given data and had none, so that ``--given-only`` can run these
and no others where the data are.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from tests.support.given_data import NOT_THERE, VARIABLE

_REASONS = Path(__file__).with_suffix(".txt")
_NOTED = "openbis-sync/want-given-data"
_PREFIX = "Skipped: "


def listed_reasons() -> frozenset[str]:
    lines = map(str.strip, _REASONS.read_text().splitlines())
    return frozenset(line for line in lines if line and not line.startswith("#"))


class Skips:
    """Counts in the process that sees the results of all workers."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._skipped: defaultdict[str, list[str]] = defaultdict(list)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail"):
            self._note(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self._note(report)

    def _note(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        found = report.longrepr
        text = found[2] if isinstance(found, tuple) else str(found)
        self._skipped[text.removeprefix(_PREFIX)].append(report.nodeid)

    @property
    def unlisted(self) -> dict[str, list[str]]:
        listed = listed_reasons()
        return {why: tests for why, tests in self._skipped.items() if why not in listed}

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if NOT_THERE in self._skipped and self._config.cache:
            self._config.cache.set(_NOTED, sorted(self._skipped[NOT_THERE]))
        if self.unlisted and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for why, tests in sorted(self._skipped.items(), key=lambda each: -len(each[1])):
            terminalreporter.line(f"skipped {len(tests):5}: {why}")
        for why, tests in self.unlisted.items():
            terminalreporter.line(
                f"FAILED: {why!r} is not listed in {_REASONS.name}; skipped were {', '.join(tests)}"
            )


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--given-only",
        action="store_true",
        help="run what the run before skipped for want of the given data, and nothing else",
    )


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        return
    config.pluginmanager.register(Skips(config))
    if config.getoption("given_only") and not _noted(config):
        raise pytest.UsageError(
            "no run before this one has noted tests that want given data: first run all tests "
            f"with {VARIABLE} set to nothing"
        )


def _noted(config: pytest.Config) -> frozenset[str]:
    return frozenset(config.cache.get(_NOTED, ()) if config.cache else ())


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("given_only"):
        return
    wanted = _noted(config)
    config.hook.pytest_deselected(items=[each for each in items if each.nodeid not in wanted])
    items[:] = [each for each in items if each.nodeid in wanted]
