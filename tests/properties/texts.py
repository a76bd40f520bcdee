"""Texts, codes, numbers and moments as the model can hold them and the wire can carry them.

Texts have every character that XML has. Optional texts are not blank, and codes and user ids have
no blanks around them, since a blank attribute means an absent one.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, TypeVar

from hypothesis import strategies as st

from shared.model.ids import Code, PermId
from shared.model.limits import LENGTH

_T = TypeVar("_T")

BLANKS = " \t\r\n"
_characters = st.one_of(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"),
    st.characters(min_codepoint=0x7F, max_codepoint=0x9F),
    st.sampled_from("\t\n\r &<>\"'$]/?%"),
)

texts = st.text(_characters, max_size=30)
filled_texts = texts.filter(lambda text: bool(text.strip(BLANKS)))
optional_texts = st.none() | filled_texts
words = texts.map(lambda text: text.strip(BLANKS)).filter(bool)
optional_words = st.none() | words
codes = st.text("ABCXYZ0129_-.&<'\"ü", min_size=1, max_size=8).map(Code)
optional_codes = st.none() | codes
numbers = st.integers(min_value=0, max_value=LENGTH // 2**10)
ordinals = st.integers(min_value=1, max_value=2**31 - 1)
digests = st.binary(max_size=4).map(lambda content: sha256(content).hexdigest())
moments = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)).map(  # noqa: DTZ001 - hypothesis wants the bounds naive
    lambda moment: moment.replace(microsecond=0)
)
optional_moments = st.none() | moments
file_times = st.builds(
    lambda moment, fraction: moment.replace(microsecond=1000 * fraction),
    moments,
    st.integers(0, 999),
)
perm_ids = st.one_of(
    st.builds("{:017d}-{}".format, st.integers(0, 10**17 - 1), st.integers(1, 10**6)),
    st.uuids().map(str),
    codes,
).map(PermId)


def tuples_of(
    of: st.SearchStrategy[_T], unique_by: Callable[[_T], Any] | None = None, *, least: int = 0
) -> st.SearchStrategy[tuple[_T, ...]]:
    """Short tuples; no two members have the same key."""
    return st.lists(of, min_size=least, max_size=least + 2, unique_by=unique_by).map(tuple)
