"""Forms and bodies of requests to the template repository."""

from __future__ import annotations

import pytest

from opendcim.repository.bodies import tree_of
from opendcim.repository.forms import read_form
from shared.errors import FormatError

FORM = "application/x-www-form-urlencoded; charset=UTF-8"


def test_brackets_make_a_tree() -> None:
    form = b"template%5BModel%5D=AT%26T+x&slots[0][X]=1&slots[0][Y]=&slots[1][X]=5&plain=a%3Db"

    assert read_form(form) == {
        "template": {"Model": "AT&T x"},
        "slots": {"0": {"X": "1", "Y": ""}, "1": {"X": "5"}},
        "plain": "a=b",
    }


def test_empty_brackets_take_the_next_number() -> None:
    assert read_form(b"a[]=x&a[]=y&a[1]=z&a[]=w") == {"a": {"0": "x", "1": "z", "2": "w"}}


def test_no_field_of_a_large_form_is_lost() -> None:
    form = "&".join(f"templateports[{n}][Label]=p{n}" for n in range(1, 5001))
    ports = read_form(form.encode())["templateports"]

    assert isinstance(ports, dict)
    assert len(ports) == 5000
    assert ports["5000"] == {"Label": "p5000"}


@pytest.mark.parametrize(
    "form", [b"&&&", b"=x", b"[a]=x", b"a[b=x", b"a]b=x", b"a[b]c=x", b"[]=1", b""]
)
def test_names_that_are_none_are_passed_over(form: bytes) -> None:
    assert read_form(form) == {}


def test_a_value_may_give_way_to_a_branch_and_back() -> None:
    assert read_form(b"a=1&a[b]=2") == {"a": {"b": "2"}}
    assert read_form(b"a[b]=2&a=1") == {"a": "1"}


def test_bytes_that_are_no_utf8_do_not_matter() -> None:
    assert read_form(b"Name=%FF%FEx&\xff=1")["Name"] == "\ufffd\ufffdx"


def test_a_form_cannot_be_nested_endlessly() -> None:
    with pytest.raises(FormatError, match="nested deeper"):
        read_form(b"a" + b"[b]" * 100 + b"=1")
    with pytest.raises(FormatError, match="name in the form"):
        read_form(b"a" + b"[b]" * 50_000 + b"=1")


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (FORM, b"Name=HPE"),
        ("", b"Name=HPE"),
        ("application/json", b'{"Name":"HPE"}'),
        ("text/json; charset=utf-8", b' {"Name":"HPE"}'),
        ("", b'{"Name":"HPE"}'),
        (FORM, b'{"Name":"HPE"}'),
    ],
)
def test_a_body_is_read_by_what_it_is(content_type: str, body: bytes) -> None:
    assert tree_of(content_type, body) == {"Name": "HPE"}


@pytest.mark.parametrize(
    "body",
    [
        b"{not json",
        b"[1]",
        b'"text"',
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        b"[" * 100_000,
        b"\xff\xfe{",
    ],
)
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(FormatError):
        tree_of("application/json", body)


def test_many_ports_are_not_deep() -> None:
    ports = b",".join(b'{"PortNumber":%d}' % n for n in range(1000))

    assert tree_of("application/json", b'{"ports":[' + ports + b"]}")["ports"]
