"""Addresses of databases: parsed from settings, and shown in messages without secrets."""

from __future__ import annotations

import re

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

_SHOWN_PARAMETERS = frozenset(
    {
        *("host", "port", "user", "dbname", "service", "sslmode", "sslrootcert", "charset"),
        *("application_name", "connect_timeout", "target_session_attrs", "unix_socket"),
    }
)
_MASK = "***"
# The part before the host, as SQLAlchemy parses it.
_USER_PART = re.compile(r"[^:/]*://(?:[^:/]*(?::[^@]*)?@)?")
_ABSTRACT_SOCKET = re.compile(r"([?&]host=)@")
UNCLEAR = "the host would contain an @; write each @ of the user and the password as %40"


def database_address(text: str) -> URL:
    """The address of a database.

    Raises `ValueError` without the value: part of a password could be taken for the host, be looked
    up, and be shown.
    """
    try:
        location = make_url(text)
    except (ArgumentError, ValueError) as error:  # ValueError: an invalid port
        raise ValueError("is no URL of a database") from error
    behind = _ABSTRACT_SOCKET.sub(r"\1", _USER_PART.sub("", text, count=1))
    if location.get_backend_name() != "sqlite" and "@" in behind:
        raise ValueError(UNCLEAR)
    return location


def shown_url(url: URL) -> str:
    """The URL without secrets. Its query is shown only if it is known to be harmless, since drivers
    take passwords there, too."""
    query = {
        name: value if name in _SHOWN_PARAMETERS else _MASK for name, value in url.query.items()
    }
    return url.set(query=query).render_as_string(hide_password=True)


def described(url: URL) -> str:
    """Names database, server and user in words, never the password."""
    if url.get_backend_name() == "sqlite":
        return f"the database {url.database}"
    host = url.host or str(url.query.get("host", "the local socket"))
    port = f":{url.port}" if url.port else ""
    user = f" as {url.username}" if url.username else ""
    return f"the database {url.database} on {host}{port}{user}"
