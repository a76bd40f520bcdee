"""docs/limits.md says the numbers that the programs know."""

from __future__ import annotations

import re

import pytest

from harvester.http import bodies, client, direct_connection, pace
from harvester.openbis.section import SectionConfig
from harvester.openbis.source import allowance, probe
from harvester.openbis.source.source import LOGIN_BYTES
from shared.model import limits
from shared.resourcesync import prolog
from shared.verification import UNANNOUNCED
from source_server.publication import file_lists, roots, selection
from source_server.users import sessions
from source_server.web import app
from source_server.web.afs import application, chunks
from tests.fuzz.__main__ import MOST_MEGABYTES, SLOW
from tests.unit.test_docs import PROJECT

PAGE = (PROJECT / "docs" / "limits.md").read_text(encoding="utf-8")
ROWS = {
    "code, type, space": limits.CODE_BYTES,
    "perm id, also": limits.PERM_ID_BYTES,
    "reference to an": limits.IDENTIFIER_BYTES,
    "code of a data set": limits.DATA_SET_CODE_BYTES,
    "file name of an attachment": limits.FILE_NAME_BYTES,
    "versions of an attachment": limits.VERSIONS,
    "number of a version": limits.NUMBER,
    "path of a file": limits.PATH_BYTES,
    "parts of a path": limits.PATH_PARTS,
    "each part of a path": limits.NAME_BYTES,
    "address of a file": limits.LINK_TEXT_BYTES,
    "length of a file": limits.LENGTH,
    "attributes of an element": limits.ATTRIBUTES,
    "an entry, as XML": limits.ENTRY_BYTES,
    "elements of an entry": limits.ENTRY_ELEMENTS,
    "a text between two tags": limits.TEXT_BYTES,
    "bytes before the root element": prolog._PROLOG_LIMIT,
    "parts of a list": limits.PARTS,
    "the list, unpacked": allowance.MOST_BYTES,
    "room for it": allowance._PART,
    "time for it": int(SectionConfig.model_fields["max_list_time"].default.total_seconds() // 3600),
    "unpacked size": bodies.MOST_TIMES,
    "a file of which the list says no length": UNANNOUNCED,
    "pace of a file": pace.SLOWEST,
    "head or foot": direct_connection._LONGEST_HEAD,
    "answer to a login": LOGIN_BYTES,
    "body of an error": 4 * client._SHOWN,
    "a small document": probe.LARGEST,
    "redirects": client._MOST_REDIRECTS,
    "a form": app._LARGEST_FORM,
    "patterns of one list": selection._MOST,
    "characters of all patterns": selection._LONGEST,
    "Unicode classes": selection._MOST_CLASSES,
    "RE2 instructions": selection._MAX_PROGRAM,
    "the body of a call": application._LARGEST_BODY,
    "bytes that one call": chunks.MOST_BYTES,
    "its sessions": sessions._MOST,
    "roots of one list": roots.MOST_ROOTS,
    "perm id of a root": limits.PERM_ID_BYTES,
    "files in one document": file_lists.MOST_ENTRIES,
    "lists of files in parts": file_lists._MOST_KEPT,
}


@pytest.mark.parametrize("row", ROWS)
def test_the_page_has_the_number(row: str) -> None:
    (found,) = re.findall(rf"^\| {re.escape(row)}[^|]*\|([^|]*)\|", PAGE, re.MULTILINE)
    assert re.search(rf"(?<![\d,]){ROWS[row]:,}(?![\d,])", found)


def test_the_page_has_the_dates_and_what_the_fuzz_asserts() -> None:
    assert f"from {limits.EARLIEST.date()} to {limits.LATEST.date()}" in PAGE
    assert limits.EARLIEST_AT.year == 1970
    assert f"{limits.REASON_BYTES:,} bytes are kept" in PAGE
    assert f"more than {MOST_MEGABYTES} MB" in PAGE
    assert f"over {SLOW:.0f} seconds" in PAGE


def test_each_row_of_the_page_is_known() -> None:
    """Those that are no constants of ours are listed here."""
    others = {"what", "---", "dates", "packing", "packing of a file", "`at`", "a file"}
    others |= {"elements within each other", "time for a head that has begun"}
    for name in re.findall(r"^\|\s?([^|]*?)\s?\|", PAGE, re.MULTILINE):
        assert name in others or any(name.startswith(row) for row in ROWS), name
