"""Workload F: data sets with one file each, and a source server that really serves them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from pathlib import Path
from random import Random

from shared.model.entities import Entity
from shared.model.ids import Code, Identifier, PermId
from shared.model.kinds import DataSetKind, Kind
from shared.model.master_data import EntityType, MasterData
from tests.support.instances.instance import Instance
from tests.support.processes.listening_programs import free_port, program

NAME = "original/measurement.bin"
_SPACE = Code("BENCH")
_PROJECT = Code("FILES")
_EXPERIMENT = Code("MEASUREMENTS")
_TYPE = Code("BENCH_FILE")
_BEGIN = datetime(2024, 1, 1, 8, 0, 0, tzinfo=UTC)
# Seconds.
DELAY = 0.010


class Way(Enum):
    """How the files come."""

    DIRECT = auto()
    # Through a relay that holds back each answer for `DELAY`.
    DELAYED = auto()
    # From a server that does next to nothing; only the list comes from the real one.
    QUICK = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """Base URLs, without a slash at the end."""

    list_url: str
    files_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """A source instance with so many data sets of one file of so many bytes."""

    source: Instance
    codes: tuple[str, ...]

    @classmethod
    def create(cls, folder: Path, count: int, size: int) -> Files:
        folder.mkdir(parents=True)
        source = Instance.create(folder)
        source.add_user()
        data_sets = list(_data_sets(source, count, size))
        source.load(_master_data(), *_places(), *data_sets)
        source.engine.dispose()
        return cls(source=source, codes=tuple(one.code for one in data_sets))

    def content(self, code: str) -> Path:
        return self.source.store.data_set_file(code, NAME)


def _data_sets(source: Instance, count: int, size: int) -> Iterator[Entity]:
    random = Random(count)  # noqa: S311 - the same bytes every time are what is wanted
    for number in range(count):
        moment = _BEGIN + timedelta(seconds=number)
        code = f"{moment:%Y%m%d%H%M%S}000-{number}"
        yield Entity(
            kind=Kind.DATA_SET,
            perm_id=PermId(code),
            code=Code(code),
            type=_TYPE,
            experiment=Identifier(f"/{_SPACE}/{_PROJECT}/{_EXPERIMENT}"),
            registered=moment,
            modified=moment,
            registrator="bench",
            data_set_kind=DataSetKind.PHYSICAL,
            files=(source.put_file(code, NAME, random.randbytes(size)),),
        )


def _master_data() -> MasterData:
    return MasterData(
        entity_types=(
            EntityType(kind=Kind.EXPERIMENT, code=_TYPE, modified=_BEGIN),
            EntityType(kind=Kind.DATA_SET, code=_TYPE, modified=_BEGIN),
        )
    )


def _places() -> Iterator[Entity]:
    yield Entity(
        kind=Kind.SPACE,
        perm_id=PermId(_SPACE),
        code=_SPACE,
        registered=_BEGIN,
        modified=_BEGIN,
    )
    yield Entity(
        kind=Kind.PROJECT,
        perm_id=PermId("20240101070000000-1"),
        code=_PROJECT,
        space=_SPACE,
        registered=_BEGIN,
        modified=_BEGIN,
    )
    yield Entity(
        kind=Kind.EXPERIMENT,
        perm_id=PermId("20240101070000000-2"),
        code=_EXPERIMENT,
        type=_TYPE,
        space=_SPACE,
        project=_PROJECT,
        registered=_BEGIN,
        modified=_BEGIN,
    )


@contextmanager
def served(files: Files, way: Way) -> Iterator[Published]:
    """A source server in a process of its own, and whatever stands before it."""
    port, front = free_port(), free_port()
    url = f"http://127.0.0.1:{front if way is not Way.DIRECT else port}"
    config = files.source.root / "source-server.properties"
    config.write_text(
        "database-url = sqlite:///instance.db\nstoreroot-dir = store\nworkers = 1\n"
        f"port = {port}\ndownload-url = {url}\nserver-url = {url}/openbis\n"
    )
    logs = files.source.root
    with ExitStack() as stack:
        server = ("source_server", "serve", "--config", str(config))
        stack.enter_context(program(*server, port=port, log=logs / "server.log"))
        if way is Way.DELAYED:
            relay = ("tests.benchmarks.relay", str(front), str(port), str(DELAY))
            stack.enter_context(program(*relay, port=front, log=logs / "relay.log"))
        elif way is Way.QUICK:
            quick = ("tests.benchmarks.quick_server", str(front), str(files.source.store.root))
            stack.enter_context(program(*quick, port=front, log=logs / "quick.log"))
        yield Published(list_url=f"http://127.0.0.1:{port}", files_url=url)
