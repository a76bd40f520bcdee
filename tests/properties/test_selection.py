"""Laws of the selection: whatever a client asks for, it gets no more than it may see."""

from __future__ import annotations

import contextlib

from hypothesis import given
from hypothesis import strategies as st

from shared.errors import RequestError
from shared.model.ids import Code, Identifier
from source_server.publication.catalogue import Scope
from source_server.publication.selection import Selection, SpacePatterns, parse_patterns, select

codes = st.text(alphabet="AB_-.9", min_size=1, max_size=6).map(Code)
projects = st.tuples(codes, codes).map(lambda parts: Identifier(f"/{parts[0]}/{parts[1]}"))
scopes = st.builds(Scope, spaces=st.frozensets(codes), projects=st.frozensets(projects))
values = st.lists(
    st.one_of(st.text(alphabet="AB_-.9*|()[]^,? \\{}&", max_size=12), st.text(max_size=6)),
    max_size=3,
)


def patterns(name: str, given_values: list[str]) -> SpacePatterns:
    """The patterns of the values, or none if they are refused."""
    with contextlib.suppress(RequestError):
        return parse_patterns(name, given_values)
    return SpacePatterns()


@given(scopes, values, values)
def test_what_is_delivered_is_a_part_of_what_is_visible(
    visible: Scope, black: list[str], white: list[str]
) -> None:
    selection = Selection(black=patterns("black_list", black), white=patterns("white_list", white))
    delivered = selection.within(visible)

    assert delivered.spaces <= visible.spaces
    assert delivered.projects <= visible.projects


@given(st.frozensets(codes), values, values)
def test_more_black_patterns_never_deliver_more(
    visible: frozenset[Code], black: list[str], more: list[str]
) -> None:
    nothing = SpacePatterns()
    fewer = select(visible, patterns("black_list", black), nothing)
    both = select(fewer, patterns("black_list", more), nothing)

    assert both <= fewer


@given(st.frozensets(codes, min_size=1))
def test_a_list_of_plain_codes_selects_just_these(visible: frozenset[Code]) -> None:
    plain = sorted(code.replace(".", r"\.") for code in visible)
    white = parse_patterns("white_list", [",".join(plain)])

    assert select(visible, SpacePatterns(), white) == visible
    assert select(visible, white, SpacePatterns()) == frozenset()


@given(values)
def test_every_value_is_either_taken_or_refused_as_a_bad_request(given_values: list[str]) -> None:
    refusals = []
    try:
        assert isinstance(parse_patterns("white_list", given_values).match(Code("A")), bool)
    except RequestError as refused:
        refusals.append(str(refused))

    assert all(text.startswith("white_list: ") for text in refusals)
