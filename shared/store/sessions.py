"""Makes PostgreSQL sessions independent of settings of the server, a role, a database or the
environment (``ALTER ... SET``, ``PGOPTIONS``, ``PGCLIENTENCODING``), as ``pg_dump`` does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from sqlalchemy import Engine, event

from shared.addresses import described
from shared.errors import ConfigError

# Arguments of psycopg that apply before the first statement.
CONNECT_ARGUMENTS: Mapping[str, Any] = MappingProxyType({"client_encoding": "UTF8"})

# No timeouts: they would cut lists and runs anywhere; the programs have limits of their own.
_OWN_SETTINGS: Mapping[str, str] = MappingProxyType(
    {
        "DateStyle": "ISO, YMD",
        "IntervalStyle": "postgres",
        "TimeZone": "UTC",
        "extra_float_digits": "3",
        "bytea_output": "hex",
        "standard_conforming_strings": "on",
        "array_nulls": "on",
        "transform_null_equals": "off",
        "default_transaction_isolation": "read committed",
        "statement_timeout": "0",
        "transaction_timeout": "0",
        "lock_timeout": "0",
        "idle_in_transaction_session_timeout": "0",
        "idle_session_timeout": "0",
    }
)

# A policy that hides rows is then an error, instead of making rows look deleted.
SEES_ALL_ROWS: Mapping[str, str] = MappingProxyType({"row_security": "off"})

# The join leaves out settings that an older server does not know.
_SET = """
select set_config(s.name, wanted.value, false)
  from unnest(%s::text[], %s::text[]) as wanted (name, value)
  join pg_catalog.pg_settings s on s.name = wanted.name
"""

_UTF8 = "UTF8"
_NO_ENCODING = "SQL_ASCII"


def prepare_sessions(
    engine: Engine, check: Callable[[str], str | None], settings: Mapping[str, str] | None = None
) -> None:
    """Gives each new connection of a PostgreSQL engine these settings, and ``settings`` on top.

    ``check`` takes the encoding of the database and returns its fault, if any: then connecting
    raises `ConfigError`.
    """
    wanted = {**_OWN_SETTINGS, **(settings or {})}

    def prepare(driver: Any, _record: object) -> None:
        fault = check(driver.info.parameter_status("server_encoding") or "")
        if fault:
            driver.close()
            raise ConfigError(f"{described(engine.url)} {fault}")
        driver.execute("set statement_timeout = 0")
        driver.execute(_SET, (list(wanted), list(wanted.values())))
        driver.commit()

    event.listen(engine, "connect", prepare)


def for_writing(encoding: str) -> str | None:
    """Fault in the encoding of a database of ours: it must take every character."""
    if encoding == _UTF8:
        return None
    return (
        f"has the encoding {encoding}, which cannot hold every text; make a database in UTF-8"
        " (createdb -E UTF8 -T template0 NAME) and name it in the settings"
    )


def for_reading(encoding: str) -> str | None:
    """Fault in the encoding of a database that is only read: PostgreSQL converts every encoding
    except this one."""
    if encoding != _NO_ENCODING:
        return None
    return (
        f"has the encoding {_NO_ENCODING}, which does not say what its letters mean; dump it and"
        " restore it into a database in UTF-8 (createdb -E UTF8 -T template0 NAME)"
    )
