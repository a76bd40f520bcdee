"""The tables of openDCIM that templates need, named and typed as in 25.01: for trials, tests, and
sites that have no openDCIM yet."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    DateTime,
    Engine,
    Enum,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from opendcim.records.fields import DEVICE_TYPES
from opendcim.sync.installation.database import (
    CDU,
    CONFIG,
    LOG,
    MANUFACTURER,
    PORTS,
    POWER_PORTS,
    SENSOR,
    SLOTS,
    TEMPLATE,
)
from shared.store.engine import changing

_PROFILES = (
    "SingleOIDWatts",
    "SingleOIDAmperes",
    "Combine3OIDWatts",
    "Combine3OIDAmperes",
    "Convert3PhAmperes",
)
_MULTIPLIERS = ("0.01", "0.1", "1", "10", "100")


def opendcim_tables() -> MetaData:
    """The tables in a new `MetaData`, since a test may leave columns out."""
    metadata = MetaData()
    Table(
        MANUFACTURER,
        metadata,
        Column("ManufacturerID", Integer, primary_key=True),
        Column("Name", String(80), nullable=False, unique=True),
        _number("GlobalID"),
        _number("SubscribeToUpdates"),
    )
    Table(
        TEMPLATE,
        metadata,
        Column("TemplateID", Integer, primary_key=True),
        Column("ManufacturerID", Integer, nullable=False),
        Column("Model", String(80), nullable=False),
        *(Column(name, Integer, nullable=False) for name in ("Height", "Weight", "Wattage")),
        Column("DeviceType", Enum(*DEVICE_TYPES), nullable=False, server_default="Server"),
        *(Column(name, Integer, nullable=False) for name in ("PSCount", "NumPorts")),
        Column("Notes", Text, nullable=False),
        Column("FrontPictureFile", String(255), nullable=False),
        Column("RearPictureFile", String(255), nullable=False),
        Column("ChassisSlots", Integer, nullable=False),
        Column("RearChassisSlots", Integer, nullable=False),
        Column("SNMPVersion", String(2), nullable=False, server_default="2c"),
        _number("GlobalID"),
        _number("ShareToRepo"),
        _number("KeepLocal"),
        UniqueConstraint("ManufacturerID", "Model"),
    )
    for name, local in ((PORTS, ("MediaID", "ColorID")), (POWER_PORTS, ())):
        Table(
            name,
            metadata,
            Column("TemplateID", Integer, primary_key=True, autoincrement=False),
            Column("PortNumber", Integer, primary_key=True, autoincrement=False),
            Column("Label", String(40), nullable=False),
            *(_number(column) for column in local),
            Column("Notes", String(80), nullable=False),
        )
    Table(
        SLOTS,
        metadata,
        *(
            Column(column, Integer, primary_key=True, autoincrement=False)
            for column in ("TemplateID", "Position", "BackSide")
        ),
        *(Column(column, Integer, nullable=True) for column in "XYWH"),
    )
    _details(metadata)
    Table(
        CONFIG,
        metadata,
        Column("Parameter", String(40), primary_key=True),
        Column("Value", Text, nullable=False),
    )
    Table(
        LOG,
        metadata,
        *(Column(name, String(80)) for name in ("UserID", "Class", "ObjectID")),
        Column("ChildID", Integer),
        Column("Action", String(40)),
        *(Column(name, String(255)) for name in ("Property", "OldVal", "NewVal")),
        Column("Time", DateTime),
    )
    return metadata


def create_opendcim(engine: Engine, *, units: str = "english") -> bool:
    """Creates missing tables; returns whether there were any."""
    metadata = opendcim_tables()
    with changing(engine) as connection:
        is_new = not engine.dialect.has_table(connection, TEMPLATE)
        metadata.create_all(connection)
        if is_new:
            config = metadata.tables[CONFIG]
            connection.execute(config.insert().values(Parameter="mUnits", Value=units))
    return is_new


def _details(metadata: MetaData) -> None:
    Table(
        CDU,
        metadata,
        Column("TemplateID", Integer, primary_key=True, autoincrement=False),
        Column("ManufacturerID", Integer, nullable=False),
        Column("Model", String(80), nullable=False),
        *(Column(name, Integer, nullable=False) for name in ("Managed", "ATS")),
        *(Column(name, String(80), nullable=False) for name in ("VersionOID", "OutletNameOID")),
        Column("Multiplier", Enum(*_MULTIPLIERS)),
        *(Column(f"OID{number}", String(80), nullable=False) for number in (1, 2, 3)),
        *(Column(n, String(80), nullable=False) for n in ("ATSStatusOID", "ATSDesiredResult")),
        Column("ProcessingProfile", Enum(*_PROFILES)),
        *(Column(n, Integer, nullable=False) for n in ("Voltage", "Amperage", "NumOutlets")),
        UniqueConstraint("ManufacturerID", "Model"),
    )
    Table(
        SENSOR,
        metadata,
        Column("TemplateID", Integer, primary_key=True, autoincrement=False),
        Column("ManufacturerID", Integer, nullable=False),
        Column("Model", String(80), nullable=False),
        *(Column(n, String(256), nullable=False) for n in ("TemperatureOID", "HumidityOID")),
        *(
            Column(name, Float, nullable=False, server_default=text("1"))
            for name in ("TempMultiplier", "HumidityMultiplier")
        ),
        Column("mUnits", Enum("english", "metric"), server_default="english"),
    )


def _number(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False, server_default=text("0"))
