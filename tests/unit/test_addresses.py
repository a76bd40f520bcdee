"""Addresses of databases: what is unclear is refused, and what is secret is not shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.addresses import UNCLEAR, database_address, described, shown_url
from shared.errors import ConfigError
from shared.settings.places import database_url
from source_server.catalogues.openbis.connect import reading_engine

UNCLEAR_URLS = [
    "postgresql://harvester:Tulip@field-77@host/db",
    "postgresql://harvester:Tulip@field-77/x@host/db",
    "postgresql://harvester:Tulip@field-77?x@host/db",
    "postgresql://har/vester:field-77@host/db",
    "postgresql://harvester:field-77@host/db?password=a@field-77",
]


@pytest.mark.parametrize("url", UNCLEAR_URLS)
def test_a_host_with_an_at_is_refused_without_the_value(url: str) -> None:
    with pytest.raises(ValueError, match="write each @ of the user and the password as %40") as one:
        database_url(url, Path("/"))
    with pytest.raises(ConfigError, match="write each @") as two:
        reading_engine(url)
    for refusal in (one, two):
        assert "field-77" not in str(refusal.value)


@pytest.mark.parametrize(
    ("url", "password"),
    [
        ("postgresql://u:Tulip%40field@host/db", "Tulip@field"),
        ("postgresql://u:a/b?c#d@host/db", "a/b?c#d"),
        ("postgresql://me@corp:secret@host/db", "secret"),
        ("postgresql://u:secret@/db?host=@abstract", "secret"),
    ],
)
def test_what_is_clear_is_taken(url: str, password: str) -> None:
    assert database_address(url).password == password


@pytest.mark.parametrize("url", ["", "field-77", "postgresql://u:p@host:field-77/db"])
def test_what_is_no_url_is_refused_without_the_value(url: str) -> None:
    with pytest.raises(ValueError, match="is no URL of a database") as refusal:
        database_address(url)
    assert "field-77" not in str(refusal.value)
    assert UNCLEAR not in str(refusal.value)


def test_a_path_of_sqlite_may_contain_an_at() -> None:
    assert database_url("sqlite:///a@b/c.db", Path("/x")).database == "/x/a@b/c.db"


def test_passwords_of_every_part_are_hidden() -> None:
    url = database_address(
        "postgresql://u:field-77@h:1/db?password=field-77&sslpassword=field-77&sslmode=require"
        "&passfile=field-77&user=me"
    )
    for shown in (shown_url(url), described(url)):
        assert "field-77" not in shown
    assert shown_url(url).startswith("postgresql://u:***@h:1/db?")
    assert "sslmode=require" in shown_url(url)
    assert "user=me" in shown_url(url)
    assert described(url) == "the database db on h:1 as u"
