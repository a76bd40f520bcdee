"""Timestamps on the wire (wire-format.md, 1.5)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from shared.resourcesync.timestamps import (
    format_file_time,
    format_timestamp,
    optional_timestamp,
    parse_file_time,
    parse_timestamp,
)

NINE = datetime(2024, 3, 5, 9, 14, 7, tzinfo=UTC)


def test_a_timestamp_is_written_in_utc_with_whole_seconds() -> None:
    assert format_timestamp(NINE) == "2024-03-05T09:14:07Z"


def test_fractions_are_cut_off_and_not_rounded() -> None:
    assert format_timestamp(NINE.replace(microsecond=999_999)) == "2024-03-05T09:14:07Z"


def test_another_zone_is_written_as_utc() -> None:
    elsewhere = NINE.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert format_timestamp(elsewhere) == "2024-03-05T09:14:07Z"


def test_an_early_year_keeps_its_four_digits() -> None:
    assert format_timestamp(datetime(33, 4, 3, tzinfo=UTC)) == "0033-04-03T00:00:00Z"


def test_a_moment_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        format_timestamp(NINE.replace(tzinfo=None))


def test_an_unknown_moment_is_not_written() -> None:
    assert optional_timestamp(None) is None
    assert optional_timestamp(NINE) == "2024-03-05T09:14:07Z"


@pytest.mark.parametrize(
    "text",
    [
        "2024-03-05T09:14:07Z",
        "2024-03-05T09:14:07+00:00",
        "2024-03-05T09:14:07-00:00",
        "2024-03-05T09:14:07",
        "2024-03-05T09:14:07.987Z",
        "2024-03-05T09:14:07.123456789Z",
        "2024-03-05T11:14:07+02:00",
        "2024-03-05T11:14:07+0200",
        "2024-03-05T03:44:07.5-05:30",
    ],
)
def test_every_form_that_a_source_sends_is_read(text: str) -> None:
    assert parse_timestamp(text) == NINE
    assert parse_timestamp(text).tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2024-03-05",
        "2024-03-05T09:14",
        "2024-03-05 09:14:07Z",
        "20240305T091407Z",
        "2024-W10-2T09:14:07Z",
        "2024-13-05T09:14:07Z",
        "2024-02-30T09:14:07Z",
        "2024-03-05T09:14:61Z",
        "2024-03-05T09:14:07 Z",
        "2024-03-05T09:14:07CET",
        "0001-01-01T00:00:00+01:00",
        "٢٠٢٤-03-05T09:14:07Z",
    ],
)
def test_what_is_no_timestamp_is_refused_and_named(text: str) -> None:
    with pytest.raises(ValueError, match="no timestamp") as caught:
        parse_timestamp(text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize(
    ("microsecond", "text"),
    [
        (0, "2026-03-05T09:14:07Z"),
        (999, "2026-03-05T09:14:07Z"),
        (7_999, "2026-03-05T09:14:07.007Z"),
        (120_000, "2026-03-05T09:14:07.120Z"),
    ],
)
def test_times_of_files_have_milliseconds_if_there_are_any(microsecond: int, text: str) -> None:
    moment = datetime(2026, 3, 5, 9, 14, 7, microsecond, UTC)
    assert format_file_time(moment) == text
    assert parse_file_time(text) == moment.replace(microsecond=microsecond // 1000 * 1000)
    assert parse_file_time("2026-03-05T10:14:07.1239999+01:00").microsecond == 123_000
