"""How durations, sizes, limits and addresses are written in settings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from shared.settings.bandwidth import parse_bandwidth
from shared.settings.quantities import (
    Limit,
    ListenAddress,
    parse_duration,
    parse_limit,
    parse_listen_address,
    parse_size,
)


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("1000, 10 %", Limit(1000, 0.10)),
        ("1000,10%", Limit(1000, 0.10)),
        ("1000 10 %", Limit(1000, 0.10)),
        ("1000", Limit(1000, None)),
        ("13 %", Limit(None, 0.13)),
        ("0.5%", Limit(None, 0.005)),
        ("0, 100 %", Limit(0, 1.0)),
    ],
)
def test_a_limit_is_a_number_a_part_or_both(text: str, limit: Limit) -> None:
    assert parse_limit(text) == limit


@pytest.mark.parametrize(
    "text", ["", "%", "a lot", "10 % 5", "-1", "101 %", "1,000, 10 %", "1000,"]
)
def test_what_is_no_limit_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no limit|at most 100 %"):
        parse_limit(text)


def test_a_limit_is_exceeded_only_if_all_of_it_is() -> None:
    both = Limit(10, 0.10)
    assert not both.is_exceeded(10, of=20)
    assert not both.is_exceeded(11, of=110)
    assert both.is_exceeded(11, of=109)
    assert Limit(10, None).is_exceeded(11, of=1_000_000)
    assert Limit(None, 0.10).is_exceeded(1, of=9)
    assert str(Limit(1000, 0.125)) == "1,000 and 12.5 %"


@pytest.mark.parametrize(
    ("text", "size"),
    [("512", 512), ("512k", 524288), ("20 MB", 20971520), ("1.5 GiB", 1610612736), ("1T", 1 << 40)],
)
def test_sizes_count_by_1024(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "k", "-5", "5 X", "1,5 G"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no size"):
        parse_size(text)


def test_durations_are_openbis_s_words() -> None:
    assert parse_duration("1 d") == timedelta(days=1)
    assert parse_duration("90 min") == timedelta(minutes=90)
    assert parse_duration("30") == timedelta(seconds=30)
    with pytest.raises(ValueError, match="is no duration"):
        parse_duration("a while")
    with pytest.raises(ValueError, match="longer than anything lasts"):
        parse_duration("999999999999999 d")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:9102", ListenAddress("127.0.0.1", 9102)),
        ("[::1]:9102", ListenAddress("::1", 9102)),
        (":0", ListenAddress("127.0.0.1", 0)),
    ],
)
def test_an_address_has_a_host_and_a_port(text: str, address: ListenAddress) -> None:
    assert parse_listen_address(text) == address
    assert parse_listen_address(str(address)) == address


@pytest.mark.parametrize("text", ["9102", "host:", "host:99999", "::1:80", "a b:80"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no address"):
        parse_listen_address(text)


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (parse_limit, "٣"),
        (parse_limit, "3, ٣ %"),
        (parse_size, "٣ k"),
        (parse_duration, "٣ d"),
        (parse_listen_address, ":٨٠"),
        (parse_bandwidth, "٣:00,512k"),
    ],
)
def test_only_ascii_digits_are_numbers(parse: Callable[[str], object], text: str) -> None:
    with pytest.raises(ValueError, match="is no"):
        parse(text)
