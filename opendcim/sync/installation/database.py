"""The database of an openDCIM installation: its MariaDB, or an SQLite database with the same
tables.

Columns differ by version (18.01 dropped ``ShareToRepo`` and ``KeepLocal``, 25.01 creates them
again), so they are read from the database; features whose columns are missing are switched off.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import (
    Connection,
    Engine,
    MetaData,
    Table,
    create_engine,
    inspect,
    make_url,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from opendcim.sync.section import RepositorySection, Units
from shared.addresses import shown_url
from shared.errors import ConfigError
from shared.store.engine import connect

MANUFACTURER = "fac_Manufacturer"
TEMPLATE = "fac_DeviceTemplate"
PORTS = "fac_TemplatePorts"
POWER_PORTS = "fac_TemplatePowerPorts"
SLOTS = "fac_Slots"
CDU = "fac_CDUTemplate"
SENSOR = "fac_SensorTemplate"
CONFIG = "fac_Config"
LOG = "fac_GenericLog"
_NEEDED = (MANUFACTURER, TEMPLATE, PORTS, POWER_PORTS, SLOTS, CDU, SENSOR)
_OPTIONAL = (CONFIG, LOG)
_NEEDED_COLUMNS = {
    MANUFACTURER: ("ManufacturerID", "Name", "GlobalID"),
    TEMPLATE: ("TemplateID", "ManufacturerID", "Model", "GlobalID"),
}

SUBSCRIBED = "SubscribeToUpdates"
SHARED = "ShareToRepo"
KEPT = "KeepLocal"
# Seconds; statements here are quick, unless another session holds a row.
_CONNECT, _ANSWER = 30, 300
# A value that does not fit is then an error; otherwise it is cut without one.
_STRICT = "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """An open database of an installation."""

    engine: Engine
    tables: Mapping[str, Table]

    def has(self, table: str, column: str) -> bool:
        return table in self.tables and column in self.tables[table].c

    @property
    def shortcomings(self) -> Iterator[str]:
        """Features that this version of openDCIM lacks, and the settings to use instead."""
        if not self.has(MANUFACTURER, SUBSCRIBED):
            yield (
                "this openDCIM cannot mark manufacturers as subscribed; name them in the key "
                "subscribe"
            )
        if not self.has(TEMPLATE, KEPT):
            yield (
                "this openDCIM cannot mark templates as kept local; name them in the key "
                "keep-local, as Manufacturer/Model"
            )
        if not self.has(TEMPLATE, SHARED):
            yield (
                "this openDCIM cannot mark templates as shared; name them in the key share, as "
                "Manufacturer/Model"
            )

    def units(self, connection: Connection) -> Units:
        """The units in openDCIM's own configuration."""
        config = self.tables.get(CONFIG)
        if config is None:
            return Units.INCH_POUND
        query = select(config.c.Value).where(config.c.Parameter == "mUnits")
        value = connection.execute(query).scalar()
        return Units.METRIC if str(value).lower() == "metric" else Units.INCH_POUND


@contextmanager
def opened(config: RepositorySection) -> Iterator[Database]:
    """Raises `ConfigError` if the database cannot be opened, is not openDCIM's, or cannot roll
    back."""
    engine = _engine(config)
    try:
        yield _database(engine, config)
    finally:
        engine.dispose()


def _engine(config: RepositorySection) -> Engine:
    url = make_url(config.opendcim_database_url.get_secret_value())
    if url.get_backend_name() == "sqlite":
        # SQLite would create an empty database for a path with a typing error.
        if not Path(str(url.database)).exists():
            raise _fault(
                config,
                f"{url.database}: there is no such file; 'harvester opendcim "
                "init' makes one, if there is no real openDCIM",
            )
        return connect(url.render_as_string(hide_password=False))
    return create_engine(
        url,
        pool_pre_ping=True,
        connect_args={
            "connect_timeout": _CONNECT,
            "read_timeout": _ANSWER,
            "write_timeout": _ANSWER,
            "init_command": _STRICT,
        },
    )


def _database(engine: Engine, config: RepositorySection) -> Database:
    shown = shown_url(engine.url)
    metadata = MetaData()
    try:
        # MariaDB may keep names of tables in lower case, as it does on Windows.
        there = {name.lower(): name for name in inspect(engine).get_table_names()}
        missing = [name for name in _NEEDED if name.lower() not in there]
        if missing:
            raise _fault(config, f"{shown} is no openDCIM: it lacks {', '.join(missing)}")
        wanted = {
            name: there[name.lower()] for name in (*_NEEDED, *_OPTIONAL) if name.lower() in there
        }
        metadata.reflect(engine, only=list(wanted.values()), resolve_fks=False)
        tables = {name: metadata.tables[stored] for name, stored in wanted.items()}
        _check_transactions(engine, config, list(wanted.values()))
    except SQLAlchemyError as error:
        reason = str(error.orig if isinstance(error, DBAPIError) else error).splitlines()[0]
        raise _fault(
            config,
            f"{shown} cannot be opened ({reason}); check that it runs and lets this user in",
        ) from error
    for table, columns in _NEEDED_COLUMNS.items():
        if absent := [name for name in columns if name not in tables[table].c]:
            raise _fault(
                config,
                f"{shown}: {table} lacks {', '.join(absent)}; openDCIM 4.0 or later is needed",
            )
    return Database(engine=engine, tables=tables)


def _check_transactions(engine: Engine, config: RepositorySection, names: list[str]) -> None:
    """A dry run is a transaction that is rolled back, so tables without transactions are
    refused."""
    if engine.dialect.name == "sqlite":
        return
    query = text(
        "SELECT TABLE_NAME, ENGINE FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()"
    )
    with engine.connect() as connection:
        kinds = {str(row[0]): str(row[1]) for row in connection.execute(query)}
    if old := [name for name in names if kinds.get(name, "InnoDB").lower() != "innodb"]:
        raise _fault(
            config,
            f"the tables {', '.join(old)} are not of the engine InnoDB, so that nothing can be "
            "rehearsed or undone; convert each: ALTER TABLE <name> ENGINE=InnoDB",
        )


def _fault(config: RepositorySection, text: str) -> ConfigError:
    return ConfigError(f"[{config.name}] opendcim-database-url: {text}")
