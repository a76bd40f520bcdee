"""A harvester of openBIS 7 asks a real server, and reads the answer strictly."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from lxml import etree

from shared.model.ids import Code
from shared.model.kinds import Kind
from shared.resourcesync.terms import X
from shared.store.users import Role, add_persons, grant
from source_server.catalogues.embedded import EmbeddedCatalogue
from source_server.settings import SourceSettings
from source_server.users.sign_in import DirectoryAuthenticator
from tests.support.instances.builders import (
    a_data_set,
    a_project,
    a_sample,
    a_space,
    an_experiment,
)
from tests.support.instances.full_instance import TRIAL, FullInstance
from tests.support.instances.instance import Instance, reachable
from tests.support.openbis7_parser import ParsedList, parsed
from tests.support.servers.source_site import PASSWORD, Passwords

RE_SYNC = "/datastore_server/re-sync"
AFS_URL = "http://localhost:8085/afs-server"
Pairs = list[tuple[str, str | int | float | bool | None]]


def root(*roots: str, **flags: str) -> Pairs:
    """The parameters of a request, as a harvester of openBIS 7 sends them."""
    given = {
        "with_levels_above": "true",
        "with_levels_below": "false",
        "with_objects_and_data_sets_parents": "false",
        "with_objects_and_data_sets_children": "false",
        "with_objects_and_data_sets_other_spaces": "false",
    }
    pairs: Pairs = [("verb", "resourcelist.xml")]
    pairs += [("exportable_perm_id", each) for each in roots]
    return [*pairs, *(given | flags).items()]


BELOW = {"with_levels_below": "true"}


class Site:
    """Serves the instance, once for each set of settings."""

    def __init__(self, instance: Instance, stack: ExitStack) -> None:
        self.instance = instance
        self._stack = stack

    def client(self, user: str = "harvest", **settings: Any) -> httpx.Client:
        folder = self.instance.root
        catalogue = EmbeddedCatalogue(
            self.instance.engine,
            store_root=folder / "store",
            service_root=folder / "file-service",
        )
        where = {"storeroot_dir": folder / "store", "file_service_repository_path": folder / "fs"}
        passwords = Passwords(harvest=PASSWORD, otto=PASSWORD)
        made = SourceSettings(base_dir=folder, **(where | settings))
        url = self._stack.enter_context(
            reachable(catalogue, DirectoryAuthenticator([passwords]), made)
        )
        return self._stack.enter_context(
            httpx.Client(base_url=url, auth=(user, PASSWORD), timeout=30)
        )


@pytest.fixture
def site(source: Instance, full_instance: FullInstance) -> Iterator[Site]:
    """The full instance and two projects of which one has the beginning of the other's name; otto
    sees one project."""
    del full_instance
    source.load(
        a_project(13, code="KITCHEN2"),
        an_experiment(14, code="OTHER", project=Code("KITCHEN2")),
        a_space("GAMMA"),
    )
    with source.engine.begin() as connection:
        add_persons(connection, "", ["otto"])
        grant(connection, "otto", Role.OBSERVER, "/ALPHA/KITCHEN")
    with ExitStack() as stack:
        yield Site(source, stack)


def read(client: httpx.Client, pairs: Pairs) -> ParsedList:
    answer = client.get(RE_SYNC, params=pairs)
    answer.raise_for_status()
    return parsed(answer.content)


def test_a_project_brings_all_that_lies_in_it_and_not_its_namesake(
    site: Site, full_instance: FullInstance
) -> None:
    found = read(site.client(), root(f"PROJECT:{full_instance.project.perm_id}", **BELOW))

    assert found.perm_ids("SPACE") == {"ALPHA"}
    assert found.perm_ids("PROJECT") == {full_instance.project.perm_id}
    assert found.perm_ids("EXPERIMENT") == {full_instance.trial.perm_id}
    assert full_instance.brew.perm_id in found.perm_ids("SAMPLE")
    assert full_instance.shared.perm_id in found.perm_ids("SAMPLE")  # a value of the brew
    assert full_instance.raw.perm_id in found.perm_ids("DATA_SET")
    assert found.afs_url is None


def test_a_sample_alone_comes_with_the_levels_above_it(
    site: Site, full_instance: FullInstance
) -> None:
    brew = f" SAMPLE : {full_instance.brew.perm_id} "
    found = read(site.client(), root(brew, with_levels_above="false"))

    assert found.perm_ids("SAMPLE") == {
        full_instance.brew.perm_id,
        full_instance.shared.perm_id,
    }
    assert found.perm_ids("EXPERIMENT") == {full_instance.trial.perm_id}
    assert found.perm_ids("DATA_SET") == set()
    assert found.codes("objectType") == {"A_SAMPLE_TYPE"}
    assert found.codes("dataSetType") == set()
    assert "FLOUR" not in found.codes("propertyType")
    assert "$NAME" in found.codes("propertyType")


def test_a_root_does_not_hide_what_lies_in_another_one(
    site: Site, full_instance: FullInstance
) -> None:
    brew = f"SAMPLE:{full_instance.brew.perm_id}"
    alone = read(site.client(), root("SPACE:ALPHA", **BELOW))
    behind = read(site.client(), root(brew, "SPACE:ALPHA", **BELOW))

    assert behind.entities.keys() == alone.entities.keys()
    assert len(alone.entities) > 10


def test_a_component_comes_with_its_container(site: Site, full_instance: FullInstance) -> None:
    well, plate = full_instance.wells[0], full_instance.plates[0]
    found = read(site.client(), root(f"SAMPLE:{well.perm_id}"))

    assert found.perm_ids("SAMPLE") == {well.perm_id, plate.perm_id}
    contained = read(site.client(), root(f"DATASET:{full_instance.raw.perm_id}"))
    assert full_instance.container.perm_id in contained.perm_ids("DATA_SET")
    assert full_instance.of_well.perm_id not in contained.perm_ids("DATA_SET")


def test_post_is_answered_as_get(site: Site) -> None:
    client, pairs = site.client(), root("SPACE:BETA", **BELOW)
    posted = client.post(RE_SYNC, data=dict(pairs))

    assert parsed(posted.content).entities.keys() == read(client, pairs).entities.keys()


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_roots_that_are_not_there_are_named(site: Site, method: str) -> None:
    hidden = site.instance.rows("SELECT perm_id FROM entity WHERE code = 'CELLAR'")[0][0]
    pairs = root(f"PROJECT:{hidden}", "SPACE:NOWHERE", "SPACE:ALPHA", "TYPE_GROUP:NONE")
    client = site.client("otto")
    answer = (
        client.get(RE_SYNC, params=pairs)
        if method == "GET"
        else client.post(
            RE_SYNC,
            content=str(httpx.QueryParams(pairs)),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
    )

    assert answer.status_code == 404
    for name in (f"PROJECT:{hidden}", "SPACE:NOWHERE", "TYPE_GROUP:NONE"):
        assert name in answer.text
    assert "SPACE:ALPHA" not in answer.text
    assert "do not exist or may not be seen by otto" in answer.text


def test_who_sees_one_project_gets_no_more_of_its_space(
    site: Site, full_instance: FullInstance
) -> None:
    found = read(site.client("otto"), root("SPACE:ALPHA", **BELOW))

    assert found.perm_ids("PROJECT") == {full_instance.project.perm_id}
    assert full_instance.plates[0].perm_id not in found.perm_ids("SAMPLE")


def test_the_lists_of_spaces_limit_roots(site: Site) -> None:
    answer = site.client().get(
        RE_SYNC, params=[*root("SPACE:ALPHA", **BELOW), ("white_list", "BETA")]
    )
    assert answer.status_code == 404
    assert "SPACE:ALPHA does not exist" in answer.text


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("ALPHA", "'ALPHA' is not of the form KIND:permId"),
        ("SPACE:", "not of the form"),
        ("space:ALPHA", "the kind 'space' of 'space:ALPHA' is unknown; known are SPACE, PROJECT"),
        ("DATA_SET:1", "DATASET"),
    ],
)
def test_a_root_that_cannot_be_read_is_a_bad_request(site: Site, value: str, told: str) -> None:
    answer = site.client().get(RE_SYNC, params=root(value))
    assert answer.status_code == 400
    assert told in answer.text


def test_types_can_be_roots(site: Site) -> None:
    found = read(site.client(), root("SAMPLE_TYPE:A_SAMPLE_TYPE", "VOCABULARY_TYPE:STORAGE_FORMAT"))

    assert found.entities == {}
    assert found.codes("controlledVocabulary") == {"SOLVENT", "$STORAGE_FORMAT"}


def test_settings_decide_which_peer_is_answered(site: Site) -> None:
    whole: Pairs = [("verb", "resourcelist.xml")]
    newer = site.client(peer_format="7")
    assert read(newer, whole).entities == {}
    assert len(list(read(newer, whole).master_data)) == 0
    older = site.client(peer_format="20.10")
    refused = older.get(RE_SYNC, params=root("SPACE:ALPHA"))
    assert refused.status_code == 400
    assert "peer-format = 20.10" in refused.text
    assert older.get(RE_SYNC, params=whole).content.count(b"<x:xd") > 10
    assert read(site.client(), [*whole, ("with_levels_below", "false")]).entities == {}


def test_etags_tell_roots_and_formats_apart(site: Site) -> None:
    client = site.client()
    asked: list[Pairs] = [
        [("verb", "resourcelist.xml")],
        root("SPACE:ALPHA"),
        root("SPACE:ALPHA", **BELOW),
        root("SPACE:BETA"),
    ]
    tags = [client.get(RE_SYNC, params=pairs).headers["ETag"] for pairs in asked]
    assert len(set(tags)) == len(tags)
    for pairs, tag in zip(asked, tags, strict=True):
        again = client.get(RE_SYNC, params=pairs, headers={"If-None-Match": tag})
        assert again.status_code == 304


def with_afs(instance: Instance, full_instance: FullInstance) -> bytes:
    """The trial has files in the application file service; the content of one of them."""
    owner, content = full_instance.trial.perm_id, b"ten bytes."
    trace = instance.put_file(owner, "run 1/trace.csv", content)
    old = instance.put_file(owner, ".afs.trash/old.csv", b"old")
    known = "MD5:" + hashlib.md5(b"old", usedforsecurity=False).hexdigest()
    changed = datetime(2026, 3, 5, 9, 14, 7, 123000, UTC)
    instance.load(
        a_data_set(
            perm_id=owner,
            type=Code("AFS_DATA"),
            experiment=TRIAL,
            is_afs=True,
            files=(
                replace(trace, modified=changed, crc32=None),
                replace(old, modified=changed, checksum=known, crc32=None),
            ),
            empty_folders=("empty folder",),
        )
    )
    return content


def test_files_of_an_owner_stand_in_its_entry(site: Site, full_instance: FullInstance) -> None:
    content = with_afs(site.instance, full_instance)
    pairs = root("SPACE:ALPHA", **BELOW)
    found = read(site.client(afs_url=AFS_URL), pairs)

    assert found.afs_url == AFS_URL
    assert found.afs.keys() == {full_instance.trial.perm_id}
    digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
    block = etree.tostring(found.afs[full_instance.trial.perm_id]).decode()
    assert (
        '<x:fileNode path="/run 1/trace.csv" length="10" lastModified="2026-03-05T09:14:07.123Z"'
        f' hash="{digest}"/>'
    ) in block
    assert '<x:dirNode path="/empty folder"/>' in block
    assert full_instance.trial.perm_id not in found.perm_ids("DATA_SET")

    silent = read(site.client(), pairs)
    assert silent.afs_url is None
    assert silent.afs == {}


def test_an_owner_whose_files_cannot_be_seen_ends_the_list(
    site: Site, full_instance: FullInstance
) -> None:
    with_afs(site.instance, full_instance)
    folder = site.instance.store.data_set_folder(full_instance.trial.perm_id)
    folder.rename(folder.with_name("elsewhere"))
    answer = site.client(afs_url=AFS_URL).get(RE_SYNC, params=root("SPACE:ALPHA", **BELOW))

    assert answer.status_code == 503
    assert f"{full_instance.trial.perm_id} (not-harvested" in answer.text
    assert "take them for deleted" in answer.text


def test_only_documents_of_openbis_7_name_the_file_service(site: Site) -> None:
    client = site.client(afs_url=AFS_URL)
    for verb in ("about.xml", "capabilitylist.xml", "resourcelist.xml"):
        assert AFS_URL not in client.get(RE_SYNC, params={"verb": verb}).text
        newer: Pairs = [("verb", verb), ("with_levels_above", "true")]
        assert AFS_URL in client.get(RE_SYNC, params=newer).text


def test_what_is_cut_is_marked_for_those_who_understand(
    site: Site, full_instance: FullInstance
) -> None:
    found = read(site.client(), root(f"SAMPLE:{full_instance.brew.perm_id}"))
    brew = found.entities[Kind.SAMPLE, full_instance.brew.perm_id]
    marks = str(brew.get("unknown"))

    assert "connections out-of-scope 1 to what is not selected" in marks
    assert "properties out-of-scope FLOUR" in marks
    assert brew.find(f"{{{X}}}connections") is None
    assert full_instance.child.perm_id not in found.perm_ids("SAMPLE")


def test_of_several_values_those_stay_that_the_list_can_show(
    site: Site, full_instance: FullInstance
) -> None:
    near, far = full_instance.child.perm_id, a_sample(15).perm_id
    brew = replace(full_instance.brew, properties={"FRIEND": (far, near)})
    site.instance.load(a_sample(15, space=Code("BETA")), brew)
    found = read(site.client(), root(f"SAMPLE:{brew.perm_id}"))
    entry = found.entities[Kind.SAMPLE, brew.perm_id]

    assert "properties out-of-scope FRIEND" in str(entry.get("unknown"))
    assert [each.text for each in entry.iter(f"{{{X}}}value", f"{{{X}}}each")] == [near]
