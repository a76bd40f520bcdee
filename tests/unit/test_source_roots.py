"""What a section selects at an openBIS 7: the keys, and what makes no sense together."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs

import pytest

from harvester.openbis.roots import Root
from harvester.openbis.section import SectionConfig, SourceVersion
from harvester.openbis.selection import changes, written
from harvester.openbis.source.list_documents import rooted_list
from shared.resourcesync.roots import RootKind
from tests.support.instances.settings_files import MANDATORY, config_of, faults_of, section_of

# The section of openBIS 7's manual, with the keys that its harvester needs besides.
MANUAL = """\
[DS1]

resource-list-url = https://source.example.org:8444/datastore_server/re-sync
data-source-openbis-url = https://source.example.org:8443/openbis/openbis
data-source-dss-url = https://source.example.org:8444/datastore_server
data-source-auth-realm = OAI-PMH
data-source-auth-user = mira
data-source-auth-pass = secret
exportable-perm-ids = SPACE:ALPHA, SAMPLE:20260110091200003-16, DATASET:20260110091200003-17, ...
with-levels-below = true
with-objects-and-data-sets-parents = true
with-objects-and-data-sets-children = true
with-objects-and-data-sets-other-spaces = false
harvester-user = otto
harvester-pass = other
harvester-afs-url = https://here.example.org:8085/afs-server
keep-original-timestamps-and-users = false
harvester-tmp-dir = temp
last-sync-timestamp-file = data/timestamps.txt
not-synced-entities-file = data/not-synced.txt
translate-using-data-source-alias = true
email-addresses = otto@example.org
log-file = sync.log
"""


def test_a_config_file_of_openbis_7_is_taken_as_it_stands(tmp_path: Path) -> None:
    config = config_of(tmp_path, MANUAL)
    assert config.faults == {}
    (section,) = config.of_kind(SectionConfig)
    assert section.exportable_perm_ids == (
        Root(RootKind.SPACE, "ALPHA"),
        Root(RootKind.SAMPLE, "20260110091200003-16"),
        Root(RootKind.DATASET, "20260110091200003-17"),
    )
    assert section.with_levels_below
    assert section.with_objects_and_data_sets_parents
    assert not section.with_objects_and_data_sets_other_spaces
    (note,) = config.warnings
    assert "h.txt:16: [DS1] harvester-afs-url: has no effect" in note


def test_roots_are_cut_at_the_first_colon_trimmed_and_asked_for_once(tmp_path: Path) -> None:
    section = section_of(tmp_path, "exportable-perm-ids = SPACE : A:B ,, SPACE:A:B, PROJECT:1-2")
    assert list(map(str, section.exportable_perm_ids)) == ["SPACE:A:B", "PROJECT:1-2"]


ROOTS = "exportable-perm-ids = SPACE:ALPHA"
VERSION_20, VERSION_7 = "source-version = 20.10", "source-version = 7"
WHITE = "space-white-list = ALPHA"


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        (["exportable-perm-ids ="], "exportable-perm-ids: names no root, so nothing would be sel"),
        (["exportable-perm-ids = ,..."], "exportable-perm-ids: names no root, so nothing would be"),
        (["exportable-perm-ids = A:1"], "exportable-perm-ids: item 1, A:1: there is no kind A; th"),
        (
            ["exportable-perm-ids = SPACE:ALPHA, DATA_SET:1-2"],
            "exportable-perm-ids: item 2, DATA_SET:1-2: there is no kind DATA_SET; did you mean DA",
        ),
        (
            ["exportable-perm-ids = sample:1-2"],
            "exportable-perm-ids: item 1, sample:1-2: there is no kind sample; did you mean SAMPLE",
        ),
        (["exportable-perm-ids = ALPHA"], "exportable-perm-ids: item 1, 'ALPHA': must be KIND:per"),
        (["exportable-perm-ids = SPACE:"], "exportable-perm-ids: item 1, SPACE:: the perm id is m"),
        (["exportable-perm-ids = SAMPLE_TYPE:X"], "exportable-perm-ids: names definitions only"),
        ([WHITE, ROOTS], "exportable-perm-ids: stands beside space-white-list or space-black-list"),
        ([VERSION_20, ROOTS], "exportable-perm-ids: has no effect at an openBIS 20.10"),
        (["with-levels-below = true"], "with-levels-below: has no effect without exportable-perm-"),
        (
            ["with-objects-and-data-sets-parents = true"],
            "with-objects-and-data-sets-parents: has no effect without exportable-perm-ids",
        ),
        (
            [VERSION_20, WHITE, "with-objects-and-data-sets-children = true"],
            "with-objects-and-data-sets-children: has no effect at an openBIS 20.10",
        ),
        (
            ["with-objects-and-data-sets-other-spaces = yes", ROOTS],
            "with-objects-and-data-sets-other-spaces: must be true or false, not 'yes'",
        ),
        ([VERSION_7], "exportable-perm-ids: is missing: an openBIS 7 (source-version) lists only"),
        ([VERSION_7, WHITE], "exportable-perm-ids: is missing: an openBIS 7 (source-version) know"),
        (["source-version = 8"], "source-version: must be auto, 20.10 or 7"),
        (["harvester-afs-url = here"], "harvester-afs-url: must be an http or https URL"),
    ],
)
def test_what_selects_nothing_or_has_no_effect_is_a_fault(
    tmp_path: Path, lines: list[str], fault: str
) -> None:
    (found,) = faults_of(tmp_path, *lines)
    assert found.startswith(fault)


def test_a_fault_names_the_line(tmp_path: Path) -> None:
    config = config_of(tmp_path, f"[DS1]\n{MANDATORY}{VERSION_20}\nexportable-perm-ids =\n{WHITE}")
    assert [fault.partition(" names")[0] for fault in config.faults["DS1"]] == [
        f"{tmp_path}/h.txt:9: [DS1] exportable-perm-ids:"
    ]


def test_spaces_of_an_openbis_7_are_selected_by_lists_if_they_can_be_looked_up(
    tmp_path: Path,
) -> None:
    url = "data-source-openbis-url = https://source.example.org:8443/openbis"
    section = section_of(
        tmp_path, VERSION_7, WHITE, url, "with-objects-and-data-sets-parents = true"
    )
    assert section.source_version is SourceVersion.OPENBIS_7


@pytest.mark.parametrize(
    ("lines", "key"),
    [
        ([ROOTS, "with-objects-and-data-sets-children = true"], "with-objects-and-data-sets-child"),
        ([f"{ROOTS}, SAMPLE_TYPE:BREW, TYPE_GROUP:G"], "exportable-perm-ids: SAMPLE_TYPE, TYPE_GR"),
    ],
)
def test_what_openbis_7_takes_without_an_effect_is_noted(
    tmp_path: Path, lines: list[str], key: str
) -> None:
    config = config_of(tmp_path, "\n".join(["[DS1]", MANDATORY, *lines]))
    assert config.faults == {}
    (note,) = config.warnings
    assert key in note


def test_what_changed_in_a_selection_is_said(tmp_path: Path) -> None:
    before = written(section_of(tmp_path, f"{ROOTS}, PROJECT:1-2", "with-levels-below = true"))
    after = section_of(tmp_path, f"exportable-perm-ids = PROJECT:1-2, SPACE:{'B' * 9}")
    assert list(changes(before, after)) == [
        "exportable-perm-ids has no longer SPACE:ALPHA",
        "exportable-perm-ids has now SPACE:BBBBBBBBB",
        "with-levels-below has no longer true",
    ]
    assert list(changes(written(after), after)) == []
    assert list(changes(written(section_of(tmp_path)), section_of(tmp_path, WHITE))) == [
        "space-white-list has now ALPHA"
    ]


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"a": 1}', '{"a": [1]}', "[" * 100_000])
def test_nothing_is_said_of_a_selection_that_is_unknown(tmp_path: Path, text: str | None) -> None:
    assert list(changes(text, section_of(tmp_path, ROOTS))) == []


def test_a_request_names_its_roots_and_all_flags(tmp_path: Path) -> None:
    section = section_of(tmp_path, ROOTS, "with-objects-and-data-sets-children = true")
    roots = section.exportable_perm_ids
    assert rooted_list(section, roots, below=True).url == (
        "https://source.example.org:8444/datastore_server/re-sync?verb=resourcelist.xml"
        "&exportable_perm_id=SPACE%3AALPHA&with_levels_above=true&with_levels_below=true"
        "&with_objects_and_data_sets_parents=false&with_objects_and_data_sets_children=true"
        "&with_objects_and_data_sets_other_spaces=false"
    )


def test_a_request_whose_url_would_be_long_is_a_form(tmp_path: Path) -> None:
    section = section_of(tmp_path, ROOTS)
    roots = [Root(RootKind.SAMPLE, f"20240110090000{number:03}-{number}") for number in range(60)]
    short, long = (rooted_list(section, roots[:most], below=False) for most in (10, 60))
    assert short.form is None
    assert len(short.url) <= 2000
    assert long.url == section.resource_list_url
    assert long.form is not None
    assert parse_qs(long.form.decode())["exportable_perm_id"] == [str(root) for root in roots]
