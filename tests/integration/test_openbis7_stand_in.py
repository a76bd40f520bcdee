"""The openBIS 7 that stands in for a real one does what is known of the real one."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.support.instances.instance import PASSWORD, USER
from tests.support.openbis7.afs import Chunk, packed, unpacked
from tests.support.openbis7.documents import java_moment
from tests.support.openbis7.lab import CHANGED, MODIFIED, AfsFile, a_sample
from tests.support.openbis7.server import Openbis7, openbis7

BELOW = {"with_levels_above": "true", "with_levels_below": "true"}


@pytest.fixture
def openbis() -> Iterator[Openbis7]:
    with openbis7() as running:
        yield running


def asked(openbis: Openbis7, *roots: str, **flags: str) -> httpx.Response:
    values: dict[str, str | list[str]] = {"verb": "resourcelist.xml", **flags}
    values["exportable_perm_id"] = list(roots)
    address = f"{openbis.url}/datastore_server/re-sync"
    return httpx.get(address, params=values, auth=(USER, PASSWORD))


def codes(answer: httpx.Response) -> set[str]:
    """The codes of all entities in a list."""
    assert answer.status_code == 200, answer.text
    entries = answer.text.split("<x:xd ")[1:]
    return {entry.partition('code="')[2].partition('"')[0] for entry in entries}


def test_no_verb_gives_the_about_document(openbis: Openbis7) -> None:
    address = f"{openbis.url}/datastore_server/re-sync"
    answer = httpx.get(address, auth=(USER, PASSWORD))
    assert 'capability="description"' in answer.text
    assert httpx.get(address).status_code == 401


def test_a_list_without_roots_is_empty(openbis: Openbis7) -> None:
    assert codes(asked(openbis)) == set()
    assert "<xmd:masterData/>" in asked(openbis).text


def test_the_flags_select_what_the_walk_reaches(openbis: Openbis7) -> None:
    root = f"SAMPLE:{openbis.lab.the('B').perm_id}"
    above = {"B", "TRIAL-1", "KITCHEN", "ALPHA"}
    parents = {"with_objects_and_data_sets_parents": "true"}
    data_set = next(openbis.lab.of("DATASET")).code

    assert codes(asked(openbis, root)) == {"B"}
    assert codes(asked(openbis, root, with_levels_above="true")) == above
    assert codes(asked(openbis, root, **BELOW)) == above | {data_set}
    assert codes(asked(openbis, root, with_levels_above="true", **parents)) == above | {"A"}
    assert codes(asked(openbis, root, with_levels_below="true", **parents)) == {"B", data_set}


def test_a_root_that_another_has_brought_is_skipped_whole(openbis: Openbis7) -> None:
    sample, space = f"SAMPLE:{openbis.lab.the('B').perm_id}", "SPACE:ALPHA"
    assert "A" not in codes(asked(openbis, sample, space, **BELOW))
    assert "A" in codes(asked(openbis, space, sample, **BELOW))


def test_unknown_roots_are_left_out_without_a_word(openbis: Openbis7) -> None:
    assert codes(asked(openbis, "SPACE:NOWHERE", "SAMPLE:1-2")) == set()


@pytest.mark.parametrize("root", ["ALPHA", "space:ALPHA", "DATA_SET:1"])
def test_roots_of_another_form_are_an_error(openbis: Openbis7, root: str) -> None:
    assert asked(openbis, root).status_code == 500


def test_a_shared_sample_ends_the_list(openbis: Openbis7) -> None:
    shared = a_sample(None, "SHARED", 90)
    openbis.lab.add(shared)
    openbis.lab.the("A").properties["WITH"] = shared.perm_id
    assert asked(openbis, "SPACE:ALPHA", **BELOW).status_code == 500
    assert asked(openbis, "SPACE:BETA", **BELOW).status_code == 200


def test_several_values_end_the_list(openbis: Openbis7) -> None:
    openbis.lab.the("A").properties["COLOURS"] = ["red", "blue"]
    assert asked(openbis, "SPACE:ALPHA", **BELOW).status_code == 500


def test_a_cut_list_ends_in_the_middle(openbis: Openbis7) -> None:
    openbis.faults.cut_lists_after.append(100)
    with pytest.raises(httpx.RemoteProtocolError):
        asked(openbis, "SPACE:ALPHA")
    assert asked(openbis, "SPACE:ALPHA").status_code == 200


def test_times_of_files_are_written_as_java_does() -> None:
    assert java_moment(CHANGED) == "2026-03-05T09:14:07.123Z"
    assert java_moment(MODIFIED) == "2026-02-03T12:00Z"
    assert java_moment(MODIFIED.replace(second=5)) == "2026-02-03T12:00:05Z"


def afs(openbis: Openbis7, method: str, body: bytes | None = None, **more: str) -> httpx.Response:
    values = {"method": method, **more}
    http = "GET" if body is None else "POST"
    return httpx.request(http, f"{openbis.afs_url}/api", params=values, content=body)


def test_afs_lists_hashes_and_reads(openbis: Openbis7) -> None:
    token, owner = openbis.log_in(USER, PASSWORD) or "", openbis.lab.the("TRIAL-1").perm_id
    listed = afs(openbis, "list", owner=owner, source="/", recursively="true", sessionToken=token)
    when = "1772702047123"
    assert listed.text == f"{owner}\t/protocol.txt\tprotocol.txt\tfalse\t9\t{when}"
    hashed = afs(openbis, "hash", owner=owner, source="/protocol.txt", sessionToken=token)
    assert len(hashed.text) == 32
    wanted = packed([Chunk(owner, "/protocol.txt", 5, 4)])
    (came,) = unpacked(afs(openbis, "read", wanted, sessionToken=token).content)
    assert came == Chunk(owner, "/protocol.txt", 5, 4, b"well")
    assert openbis.afs.reads == [(owner, "/protocol.txt")]


def test_afs_refuses_with_400_and_json(openbis: Openbis7) -> None:
    token, owner = openbis.log_in(USER, PASSWORD) or "", openbis.lab.the("TRIAL-1").perm_id
    beyond = packed([Chunk(owner, "/protocol.txt", 5, 5)])
    missing = packed([Chunk(owner, "/x", 0, 1)])
    for body, session, text in (
        (beyond, token, "past the end"),
        (missing, token, "NoSuchFileException"),
        (missing, "wrong", "Session doesn't exist"),
    ):
        answer = afs(openbis, "read", body, sessionToken=session)
        assert answer.status_code == 400
        assert text in answer.json()["error"][0]
    openbis.faults.busy = 1
    assert "10011" in afs(openbis, "read", beyond, sessionToken=token).text


def test_owners_without_content_have_no_block(openbis: Openbis7) -> None:
    openbis.lab.the("B").afs = {}
    assert asked(openbis, "SPACE:ALPHA", **BELOW).text.count('source="afs"') == 2
    openbis.lab.the("B").afs = {"/a": AfsFile(content=b"a")}
    assert asked(openbis, "SPACE:ALPHA", **BELOW).text.count('source="afs"') == 3
    openbis.faults.afs_is_not_configured = True
    assert "afs" not in asked(openbis, "SPACE:ALPHA", **BELOW).text
