"""Settings of transfers: time tables of the bandwidth, and keys of TLS that belong together."""

from __future__ import annotations

from datetime import time
from pathlib import Path

import pytest

from shared.settings.bandwidth import parse_bandwidth
from tests.support.instances.settings_files import faults_of, section_of

K, M = 1 << 10, 1 << 20


@pytest.mark.parametrize(
    ("text", "at_7", "at_8", "at_12", "at_20"),
    [
        ("10 M", 10 * M, 10 * M, 10 * M, 10 * M),
        ("512k", 512 * K, 512 * K, 512 * K, 512 * K),
        ("off", None, None, None, None),
        ("08:00,512k 19:00,off", None, 512 * K, 512 * K, None),
        ("19:00,OFF  8:00,512k", None, 512 * K, 512 * K, None),
        ("08:00,1M 12:00,2M 20:00,3M", 3 * M, M, 2 * M, 3 * M),
        ("00:00,1M", M, M, M, M),
        ("23:59,1M", M, M, M, M),
    ],
)
def test_a_limit_holds_from_its_time_to_the_next(
    text: str, at_7: int, at_8: int, at_12: int, at_20: int
) -> None:
    table = parse_bandwidth(text)
    hours = [table.at(time(hour)) for hour in (7, 8, 12, 20)]
    assert hours == [at_7, at_8, at_12, at_20]


def test_a_limit_ends_with_the_minute_before_the_next() -> None:
    table = parse_bandwidth("08:30,1k 08:31,2k")
    assert table.at(time(8, 30, 59, 999999)) == K
    assert table.at(time(8, 31)) == 2 * K


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("0", "0 would stop everything"),
        ("08:00,0", "0 would stop everything"),
        ("fast", "'fast' is no bandwidth"),
        ("-1M", "'-1M' is no bandwidth"),
        ("24:00,1M", "'24:00,1M' is no entry"),
        ("08:60,1M", "'08:60,1M' is no entry"),
        ("08:00 1M", "'08:00' is no entry"),
        ("08:00,1M,19:00,off", "no bandwidth"),
        ("08:00,1M 8:00,2M", "08:00 stands twice"),
        ("", "'' is no bandwidth"),
    ],
)
def test_what_is_no_bandwidth_is_told_with_how_to_write_it(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=r"write|twice") as caught:
        parse_bandwidth(text)
    assert told in str(caught.value)


def test_transfers_have_defaults_that_need_no_thought(tmp_path: Path) -> None:
    config = section_of(tmp_path)
    assert config.tls_verify
    assert config.bandwidth_limit is None
    assert config.max_connections_per_source == 10


def test_keys_of_tls_are_read_below_the_base_folder(tmp_path: Path) -> None:
    config = section_of(
        tmp_path,
        "ca-bundle = ca.pem",
        "client-certificate = certs/mine.pem",
        "client-key = certs/mine.key",
        "client-key-password = s3cret",
        "proxy = http://proxy.example.org:3128",
    )
    assert config.ca_bundle == tmp_path / "ca.pem"
    assert config.client_certificate == tmp_path / "certs" / "mine.pem"
    assert config.client_key == tmp_path / "certs" / "mine.key"
    assert config.proxy == "http://proxy.example.org:3128"


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        (
            ["tls-verify = false", "ca-bundle = ca.pem"],
            "ca-bundle: has no effect beside tls-verify = false; remove one of them",
        ),
        (["client-key = mine.key"], "client-key: needs client-certificate, too"),
        (["client-key-password = x"], "client-key-password: needs client-certificate, too"),
        (
            ["proxy = http://joe:secret@proxy:3128"],
            "proxy: must be an http or https URL with a host, without user, password and #",
        ),
        (["tls-verify = no"], "tls-verify: must be true or false, not 'no'"),
        (["max-connections-per-source = 0"], "max-connections-per-source: must be at least 1"),
    ],
)
def test_what_does_not_go_together_is_a_fault(tmp_path: Path, lines: list[str], fault: str) -> None:
    assert faults_of(tmp_path, *lines) == [fault]
