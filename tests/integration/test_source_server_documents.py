"""The three documents over HTTP: verbs, slashes, forms, compression, selection, visibility."""

from __future__ import annotations

import gzip
import hashlib
import logging
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import httpx
import pytest
from lxml import etree

from shared.model.ids import Code
from shared.model.kinds import Kind
from shared.model.master_data import (
    DataType,
    EntityType,
    MasterData,
    Plugin,
    PluginType,
    PropertyType,
    Term,
    Vocabulary,
)
from shared.resourcesync.terms import X
from tests.support.instances.builders import an_entity
from tests.support.servers.source_site import PASSWORD, a_catalogue, a_site, write_service_file

RE_SYNC = "/datastore_server/re-sync"
LIST = {"verb": "resourcelist.xml"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def site() -> Iterator[httpx.Client]:
    with a_site() as client:
        yield client


def records(answer: httpx.Response) -> list[etree._Element]:
    """All ``x:xd``."""
    answer.raise_for_status()
    return list(etree.fromstring(answer.content).iter(f"{{{X}}}xd"))


def capability(answer: httpx.Response) -> str:
    answer.raise_for_status()
    return str(etree.fromstring(answer.content)[1].attrib["capability"])


def codes(answer: httpx.Response, kind: str) -> list[str]:
    """Codes, or paths of files, of all records of a kind."""
    attributes = [xd.attrib for xd in records(answer) if xd.attrib["kind"] == kind]
    return [str(given["path" if kind == "FILE" else "code"]) for given in attributes]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "description"),
        ("?verb=about.xml", "description"),
        ("?verb=capabilitylist.xml", "capabilitylist"),
        ("?verb=resourcelist.xml", "resourcelist"),
        ("?verb=", "description"),
        ("?verb=resourcelist", "description"),
        ("?verb=RESOURCELIST.XML", "description"),
        ("?verb=nonsense&other=1", "description"),
        ("?verb=resourcelist.xml&verb=capabilitylist.xml", "capabilitylist"),
        ("?verb=resourcelist.xml&verb=about.xml", "description"),
        ("?verb=nonsense&verb=resourcelist.xml", "resourcelist"),
    ],
)
def test_the_verb_names_the_document(site: httpx.Client, query: str, expected: str) -> None:
    for path in (RE_SYNC, f"{RE_SYNC}/", f"{RE_SYNC}/any/thing"):
        answer = site.get(path + query)
        assert answer.status_code == 200
        assert capability(answer) == expected


def test_a_form_is_as_good_as_a_query(site: httpx.Client) -> None:
    form = {"verb": ["capabilitylist.xml", "resourcelist.xml"]}
    assert capability(site.post(RE_SYNC, data=form)) == "capabilitylist"
    both = site.post(f"{RE_SYNC}/?verb=resourcelist.xml", data={"black_list": "ALPHA"})
    assert codes(both, "SPACE") == []
    assert capability(site.post(RE_SYNC)) == "description"
    assert capability(site.post(f"{RE_SYNC}?verb=resourcelist.xml", json=1)) == "resourcelist"


def test_a_form_that_is_too_large_is_refused(site: httpx.Client) -> None:
    assert site.post(RE_SYNC, data={"verb": "x" * 300_000}).status_code == 413
    assert site.post(RE_SYNC, content="a&" * 11_000, headers=FORM).status_code == 400


@pytest.mark.parametrize("verb", ["about.xml", "capabilitylist.xml", "resourcelist.xml"])
def test_the_content_type_is_exactly_that_of_openbis(site: httpx.Client, verb: str) -> None:
    for method, coding in product(("GET", "HEAD", "POST"), ("gzip", "identity")):
        answer = site.request(
            method, RE_SYNC, params={"verb": verb}, headers={"Accept-Encoding": coding}
        )
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "text/xml; charset=UTF-8"
        assert answer.headers["Vary"] == "Accept-Encoding"
        assert (answer.content == b"") == (method == "HEAD")


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [
        ("gzip", True),
        ("deflate, gzip;q=0.5", True),
        ("x-gzip", True),
        ("*", True),
        ("GZIP", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000, *", False),
        ("*;q=0", False),
        ("br", False),
        ("gzip;q=nonsense", False),
        ("", False),
    ],
)
def test_gzip_is_used_only_if_the_client_takes_it(
    site: httpx.Client, accepted: str, *, packed: bool
) -> None:
    plain = site.get(RE_SYNC, params=LIST, headers={"Accept-Encoding": "identity"})
    with site.stream("GET", RE_SYNC, params=LIST, headers={"Accept-Encoding": accepted}) as answer:
        raw = b"".join(answer.iter_raw())

    assert answer.headers.get("Content-Encoding") == ("gzip" if packed else None)
    assert (gzip.decompress(raw) if packed else raw) == plain.content


def test_only_what_the_user_may_see_is_delivered(site: httpx.Client) -> None:
    seen_by_mira = site.get(RE_SYNC, params=LIST)
    seen_by_ada = site.get(RE_SYNC, params=LIST, auth=("ada", PASSWORD))
    seen_by_otto = site.get(RE_SYNC, params=LIST, auth=("otto", PASSWORD))

    assert codes(seen_by_mira, "SPACE") == ["ALPHA"]
    assert codes(seen_by_ada, "SPACE") == ["ALPHA", "BETA"]
    assert codes(seen_by_otto, "PROJECT") == ["SECRET"]
    assert codes(seen_by_otto, "SAMPLE") == ["SHARED"]
    assert codes(seen_by_otto, "DATA_SET") == []


@pytest.mark.parametrize(
    ("query", "spaces"),
    [
        ("white_list=A.*", ["ALPHA"]),
        ("white_list=A", []),
        ("white_list=A&white_list=BETA", ["BETA"]),
        ("white_list=", []),
        ("white_list=,", ["ALPHA", "BETA"]),
        ("black_list=BETA", ["ALPHA"]),
        ("black_list=.*&white_list=.*", []),
        ("white_list=%5BAB%5D%28LPHA%7CETA%29", ["ALPHA", "BETA"]),
    ],
)
def test_the_lists_select_spaces(site: httpx.Client, query: str, spaces: list[str]) -> None:
    answer = site.get(f"{RE_SYNC}?verb=resourcelist.xml&{query}", auth=("ada", PASSWORD))

    assert codes(answer, "SPACE") == spaces
    assert "SHARED" in codes(answer, "SAMPLE")


@pytest.mark.parametrize("parameter", ["white_list", "black_list"])
def test_a_bad_pattern_is_a_bad_request_that_names_it(site: httpx.Client, parameter: str) -> None:
    answer = site.get(RE_SYNC, params=LIST | {parameter: "A,(B"})

    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert parameter in answer.text
    assert "'(B'" in answer.text


def test_catastrophic_patterns_are_answered() -> None:
    stored = [an_entity(Kind.SPACE, code="A" * 90 + str(number)) for number in range(50)]
    scope = a_catalogue().scopes["ada"]
    visible = type(scope)(spaces=frozenset(space.code for space in stored))
    with a_site(a_catalogue(stored=stored, scopes={"mira": visible})) as client:
        for pattern in ("(A+)+X", "(A|A)*X", "(.*.*.*.*.*)*X", "(A?){400}A{400}X"):
            answer = client.get(RE_SYNC, params=LIST | {"white_list": pattern})
            assert codes(answer, "SPACE") == []


def test_samples_name_their_data_sets(site: httpx.Client) -> None:
    text = site.get(RE_SYNC, params=LIST).text
    assert '<x:connection to="20240110090000077-77" type="Connection"/>' in text


def test_kinds_come_in_the_order_of_openbis(site: httpx.Client) -> None:
    answer = site.get(RE_SYNC, params=LIST)
    kinds = [str(xd.attrib["kind"]) for xd in records(answer)]

    assert kinds == sorted(kinds, key=[kind.value for kind in Kind].index)
    assert set(kinds) == {"SPACE", "PROJECT", "SAMPLE", "DATA_SET"}
    first = etree.fromstring(answer.content)[2][0]
    assert first.text == "http://localhost:8080/openbis/MASTER_DATA/MASTER_DATA/M"


def test_files_that_are_mentioned_are_delivered_in_order(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def mention(path: str) -> str:
        return f"see \"/openbis/openbis/file-service/{path}\" and 'openbis/file-service/{path}'"

    master_data = MasterData(
        plugins=(Plugin(name="p", type=PluginType.ENTITY_VALIDATION, description=mention("m/1")),),
        vocabularies=(
            Vocabulary(
                code=Code("V"),
                description=mention("not/here"),
                terms=(Term(code=Code("T"), ordinal=1, description=mention("m/2")),),
            ),
        ),
        property_types=(
            PropertyType(
                code=Code("P"), label="P", data_type=DataType.XML, description=mention("m/3")
            ),
        ),
        entity_types=(EntityType(kind=Kind.SAMPLE, code=Code("S"), description=mention("m/4")),),
    )
    stored = [
        an_entity(Kind.SPACE, code="ALPHA", description=mention("b")),
        an_entity(Kind.PROJECT, description=mention("a") + mention("missing")),
        an_entity(Kind.SAMPLE, properties={"X": mention("z/large") + mention("../outside")}),
        an_entity(Kind.SAMPLE, 2, space=Code("BETA"), properties={"X": mention("hidden")}),
    ]
    (tmp_path / "outside").write_bytes(b"never")
    root = tmp_path / "service"
    for path in ("m/1", "m/2", "m/3", "m/4", "not/here", "a", "b", "hidden"):
        write_service_file(root, path, path.encode())
    write_service_file(root, "z/large", b"0" * 101)
    catalogue = a_catalogue(stored=stored, master_data_=master_data)
    with (
        caplog.at_level(logging.WARNING),
        a_site(catalogue, file_service_repository_path=root, inline_file_limit=100) as client,
    ):
        answer = client.get(RE_SYNC, params=LIST)

    assert codes(answer, "FILE") == ["a", "b", "m/1", "m/2", "m/3", "m/4", "z/large"]
    large = records(answer)[-1]
    assert large.text is None
    assert large.get("href") == "http://localhost:8080/datastore_server/file-service/z/large"
    assert large.get("length") == "101"
    assert large.get("checksum") == "SHA256:" + hashlib.sha256(b"0" * 101).hexdigest()
    assert "'missing'" in caplog.text
    assert "'../outside'" in caplog.text
    assert "hidden" not in caplog.text


def test_there_are_no_pages_about_the_programming_interface(site: httpx.Client) -> None:
    for path in ("/docs", "/redoc", "/openapi.json", "/", "/datastore_server"):
        assert site.get(path).status_code == 404


def test_methods_that_write_are_refused(site: httpx.Client) -> None:
    for method in ("PUT", "DELETE", "PATCH"):
        assert site.request(method, RE_SYNC).status_code == 405
