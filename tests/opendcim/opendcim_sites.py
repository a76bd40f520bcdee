"""Sites with an openDCIM for tests: its database, its pictures, and a harvester."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from PIL import Image
from sqlalchemy import Engine, MetaData, create_engine, text

from harvester.execution.one_section import execute_section
from harvester.runs.destination import Destination
from harvester.runs.job import RunOptions
from harvester.runs.section_report import SectionReport
from harvester.settings.chosen import choose
from opendcim.sync.installation.shape import create_opendcim
from shared.store.engine import connect, open_store
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import new_store

KEY = "KEY-ALICE-0001"
USER = "alice@site-a.example"
FLAGS = "ShareToRepo, KeepLocal"

# The start state of the recorded runs, but that the CDU is not shared: so it can be pulled.
START = """
insert into fac_Manufacturer (ManufacturerID,Name,GlobalID,SubscribeToUpdates) values
 (10,'hpe',0,1),(11,'Dell, Inc.',0,0),(12,'OldNameOfAPC',4,1),(13,'LocalOnly GmbH',0,0);
insert into fac_DeviceTemplate (TemplateID,ManufacturerID,Model,Height,Weight,Wattage,DeviceType,
 PSCount,NumPorts,Notes,FrontPictureFile,RearPictureFile,ChassisSlots,RearChassisSlots,SNMPVersion,
 GlobalID,ShareToRepo,KeepLocal) values
 (100,12,'ap7841',1,9,99,'CDU',1,0,'my local note','','',0,0,'1',0,0,0),
 (101,10,'dl380 gen9',2,11,111,'Server',1,1,'kept local','front.png','',0,0,'2c',1,0,1),
 (102,10,'C7000',9,1,1,'Chassis',0,0,'','','',1,0,'2c',0,0,0),
 (103,10,'ML350 no picture',5,40,300,'Server',1,1,'share me','','',0,0,'2c',0,1,0),
 (104,13,'Unsynced mfg tmpl',1,1,1,'Server',1,1,'','','',0,0,'2c',0,1,0),
 (105,10,'DL20 with picture',1,10,200,'Server',1,2,'share me too','dl20.png','',0,0,'2c',0,1,0);
insert into fac_CDUTemplate (TemplateID,ManufacturerID,Model,Managed,ATS,VersionOID,Multiplier,OID1,
 OID2,OID3,ATSStatusOID,ATSDesiredResult,ProcessingProfile,Voltage,Amperage,NumOutlets,OutletNameOID)
 values (100,12,'ap7841',0,0,'','1','LOCALOID','','','','','SingleOIDAmperes',110,10,8,'');
insert into fac_Slots values (102,1,0,1,1,1,1);
insert into fac_TemplatePorts (TemplateID,PortNumber,Label,MediaID,ColorID,Notes) values
 (101,1,'mine',3,4,'n'),(105,1,'e1',1,1,''),(105,2,'e2',1,1,''),(103,1,'e1',0,0,'');
insert into fac_TemplatePowerPorts (TemplateID,PortNumber,Label,Notes) values (105,1,'psu1','')
"""


def a_picture(color: str = "red", *, kind: str = "PNG", size: tuple[int, int] = (40, 8)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, color).save(file, kind)
    return file.getvalue()


class Site(Harvest):
    """A harvester with one repository section, ``DCIM``; ``url`` is that of openDCIM's database."""

    def __init__(self, root: Path, url: str | None = None) -> None:
        super().__init__(root)
        self.url = url or f"sqlite:///{self.root}/opendcim.db"
        self.pictures = self.root / "pictures"
        self.pictures.mkdir(exist_ok=True)
        self.engine: Engine = (
            connect(self.url) if self.url.startswith("sqlite") else create_engine(self.url)
        )
        new_store(f"sqlite:///{self.root}/instance.db").dispose()

    def close(self) -> None:
        self.engine.dispose()
        self.instance.engine.dispose()

    def create(self, *, units: str = "english", without: str = "") -> None:
        """openDCIM's tables; ``without`` names columns of templates that this version lacks."""
        create_opendcim(self.engine, units=units)
        for column in filter(None, (name.strip() for name in without.split(","))):
            self.execute_sql(f"ALTER TABLE fac_DeviceTemplate DROP COLUMN {column}")

    def start_state(self) -> None:
        """That of the recordings."""
        self.create()
        self.execute_sql(*START.split(";\n"))
        self.put_picture("front.png", a_picture("navy"))
        self.put_picture("dl20.png", a_picture("gray"))

    def repository(self, url: str, **keys: str) -> None:
        given = {
            "kind": "opendcim-repository",
            "repository-url": url,
            "api-user-id": USER,
            "api-key": KEY,
            "opendcim-database-url": self.url,
            "pictures-dir": "pictures",
            "retry-pauses": "10 ms, 10 ms",
        } | {key.replace("_", "-"): value for key, value in keys.items()}
        lines = [f"{key} = {value}" for key, value in given.items() if value]
        self.sections["DCIM"] = "\n".join(lines)
        self._write()

    def sync(self, *, forced: bool = True, bundle: Path | None = None) -> SectionReport:
        """One run; by default as if a day had passed."""
        chosen = choose(self.root / "harvester.properties", ["DCIM"])
        assert chosen.faults == ()
        engine = open_store(chosen.settings.database_url.get_secret_value())
        destination = Destination(engine=engine, settings=chosen.settings)
        asked = RunOptions(forced=forced, bundle=bundle)
        report = execute_section(chosen.sections[0], destination, asked)
        engine.dispose()
        return report

    def execute_sql(self, *statements: str) -> None:
        with self.engine.begin() as connection:
            for statement in statements:
                connection.execute(text(statement))

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query))]

    def all_rows(self) -> dict[str, list[str]]:
        """Everything that is in the database."""
        metadata = MetaData()
        metadata.reflect(self.engine)
        with self.engine.connect() as connection:
            return {
                name: sorted(repr(tuple(row)) for row in connection.execute(table.select()))
                for name, table in metadata.tables.items()
            }

    def put_picture(self, name: str, content: bytes) -> None:
        (self.pictures / name).write_bytes(content)

    def picture_files(self) -> dict[str, bytes]:
        return {file.name: file.read_bytes() for file in self.pictures.iterdir()}

    def reasons(self, report: SectionReport) -> list[str]:
        return [str(error) for error in report.failed]

    def dcim_log(self) -> str:
        return self.log("DCIM")
