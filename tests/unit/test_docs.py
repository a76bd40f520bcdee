"""The documents say all that the programs know: each key, verb, command, exit code and table."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

from harvester.__main__ import _parser as harvester_parser
from harvester.notices.events import SUBJECTS
from harvester.openbis.commands.audit import DIFFERENCES_EXIT_CODE
from harvester.runs.section_report import HELD_BACK_EXIT_CODE
from harvester.settings.harvester import HarvesterSettings
from harvester.settings.section_kinds import section_kinds
from shared import errors
from shared.model.kinds import FACTS, Kind
from shared.resourcesync.terms import Document
from shared.settings.model import Settings
from source_server.__main__ import _parser as source_server_parser
from source_server.part import server_parts
from source_server.settings import SourceSettings

PROJECT = Path(__file__).parents[2]
OPERATIONS = (PROJECT / "docs" / "operations.md").read_text(encoding="utf-8")
EXAMPLES = "\n".join(
    path.read_text(encoding="utf-8") for path in (PROJECT / "config").iterdir() if path.is_file()
)
CLIENTS = (PROJECT / "docs" / "resourcesync-clients.md").read_text(encoding="utf-8")
FORMAT = (PROJECT / "docs" / "format.md").read_text(encoding="utf-8")
OPENDCIM = [path.read_text(encoding="utf-8") for path in (PROJECT / "docs").glob("opendcim-*.md")]
README = (PROJECT / "README.md").read_text(encoding="utf-8")


def keys() -> list[str]:
    models: list[type[Settings]] = [HarvesterSettings, SourceSettings]
    models += (kind.settings for kind in section_kinds().values())
    models += (part.settings for part in server_parts())
    found = {str(field.alias or name) for m in models for name, field in m.model_fields.items()}
    return sorted(found - {"name"})


@pytest.mark.parametrize("key", keys())
def test_each_key_is_in_an_example(key: str) -> None:
    assert re.search(rf"^#?{re.escape(key)} =", EXAMPLES, re.MULTILINE)


def exit_codes() -> list[int]:
    kinds = [c for c in vars(errors).values() if isinstance(c, type)]
    codes = {c.exit_code for c in kinds if issubclass(c, errors.SyncError)}
    return sorted(codes | {0, HELD_BACK_EXIT_CODE, DIFFERENCES_EXIT_CODE, 130})


@pytest.mark.parametrize("code", exit_codes())
def test_each_exit_code_is_in_the_operations(code: int) -> None:
    assert re.search(rf"^\| {code} \|", OPERATIONS, re.MULTILINE)


@pytest.mark.parametrize("document", Document)
def test_each_verb_is_in_the_format(document: Document) -> None:
    assert f"`{document.value}.xml`" in FORMAT or f"`{document.value}`" in FORMAT


def commands(parser: argparse.ArgumentParser) -> list[str]:
    (subparsers,) = (
        action for action in parser._actions if isinstance(action, argparse._SubParsersAction)
    )
    return list(subparsers.choices)


@pytest.mark.parametrize(
    "command",
    [
        *(f"harvester {name}" for name in commands(harvester_parser())),
        *(f"source-server {name}" for name in commands(source_server_parser())),
    ],
)
def test_each_command_is_in_the_operations(command: str) -> None:
    assert f"`{command}" in OPERATIONS


@pytest.mark.parametrize("kind", FACTS)
def test_the_attributes_of_a_kind_stand_in_the_format_in_their_order(kind: Kind) -> None:
    line = next(line for line in FORMAT.splitlines() if line.startswith(f"| {kind} |"))
    assert tuple(re.findall(r"`([\w-]+)`", line)) == FACTS[kind].attributes


@pytest.mark.parametrize("text", [README, OPERATIONS, FORMAT, CLIENTS, *OPENDCIM])
def test_links_between_the_documents_lead_somewhere(text: str) -> None:
    folder = PROJECT if text is README else PROJECT / "docs"
    targets = [t for t in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in t]
    assert all((folder / target).exists() for target in targets)


@pytest.mark.parametrize("subject", SUBJECTS.values())
def test_each_mail_is_in_the_operations(subject: str) -> None:
    assert f"`{subject.format('')}`" in OPERATIONS
