"""Two sections with the same names and other bytes: a row and its bytes are of one section."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.instances.builders import (
    a_data_set,
    a_project,
    a_sample,
    a_service_file,
    a_space,
    an_experiment,
    perm_id,
    some_master_data,
)
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import Instance
from tests.support.processes.programs import PATIENCE, Gate, started

CODE = perm_id(50)
HOME = "/ALPHA/KITCHEN/EXPERIMENT-3"
MANY = range(100, 130)
# What is published of the file service is what texts mention.
MENTION = {"NOTES": '"openbis/file-service/eln/a"'}
ONE, TWO = b"the bytes of one " * 100, b"other bytes, of two " * 100


@pytest.fixture
def second(tmp_path: Path) -> Iterator[Instance]:
    """Another source, with the same codes."""
    instance = Instance.create(tmp_path / "second")
    yield instance
    instance.engine.dispose()


def publish(source: Instance, content: bytes, *numbers: int) -> None:
    """Data sets with a file each; its bytes differ from source to source."""
    data_sets = [
        a_data_set(
            number,
            experiment=HOME,
            files=(source.put_file(perm_id(number), "original/f", content + b"%d" % number),),
        )
        for number in numbers
    ]
    source.load(some_master_data(), a_space(), a_project(), an_experiment(3), *data_sets)
    source.add_user()


class Drip:
    """Stands before a source: the answer to a path stops halfway until the test lets it go on."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._halfway = threading.Event()
        self._opened = threading.Event()
        self.asked: list[str] = []

    def __call__(self, app: Any) -> Any:
        async def application(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] != "http" or not scope["path"].startswith(self._path):
                await app(scope, receive, send)
                return
            self.asked.append(scope["path"])

            async def dripping(message: Any) -> None:
                body = message.get("body", b"")
                half = len(body) // 2
                if half:
                    await send({**message, "body": body[:half], "more_body": True})
                    self._halfway.set()
                    while not self._opened.is_set():
                        await asyncio.sleep(0.02)
                await send({**message, "body": body[half:]})

            await app(scope, receive, dripping)

        return application

    def wait(self) -> None:
        assert self._halfway.wait(PATIENCE)

    def open(self) -> None:
        self._opened.set()


def is_of(harvest: Harvest, number: int, sections: dict[str, bytes]) -> str:
    """The section that a data set is of, by its row; the list of files and the bytes must be of the
    same."""
    code = perm_id(number)
    query = f"SELECT source FROM entity WHERE kind = 'DATA_SET' AND perm_id = '{code}'"  # noqa: S608
    ((owner,),) = harvest.instance.rows(query)
    content = sections[str(owner)] + b"%d" % number
    held = harvest.instance.store.data_set_file(code, "original/f")
    assert held.read_bytes() == content
    ((length,),) = harvest.instance.rows(
        f"SELECT length FROM data_set_file WHERE code = '{code}'"  # noqa: S608
    )
    assert length == len(content)
    return str(owner)


SECTIONS = {"ONE": ONE, "TWO": TWO}


def test_what_another_section_brings_while_a_file_is_on_its_way_stays_whole(
    source: Instance, second: Instance, either: Harvest
) -> None:
    publish(source, ONE, 50)
    publish(second, TWO, 50)
    either.init()
    drip = Drip(f"/datastore_server/{CODE}/")
    with source.served(drip) as one, second.served() as two:
        either.section("ONE", one)
        either.section("TWO", two)
        with started(either, "run", "--section", "ONE") as slow:
            drip.wait()
            quick = either.run("--section", "TWO")
            assert quick.code == 0, quick.output
            assert is_of(either, 50, SECTIONS) == "TWO"
            drip.open()
            assert slow.ends() == 0, slow.output
        assert f"DATA_SET {CODE} is left alone: section TWO brought it meanwhile" in slow.output
        assert is_of(either, 50, SECTIONS) == "TWO"
        for _ in range(2):
            again = either.run()
            assert again.code == 0, again.output
            assert is_of(either, 50, SECTIONS) == "TWO"
    assert len(drip.asked) == 1
    assert either.instance.rows("SELECT * FROM arrival") == []
    assert list((either.root / "store" / "temp").rglob("f")) == []


def test_of_many_common_codes_none_is_crossed(
    source: Instance, second: Instance, either: Harvest
) -> None:
    publish(source, ONE, *MANY)
    publish(second, TWO, *MANY)
    either.init()
    either.add_properties("parallel-sections = 2")
    gates = [Gate("/datastore_server/2024") for _ in range(2)]
    with source.served(gates[0]) as one, second.served(gates[1]) as two:
        either.section("ONE", one)
        either.section("TWO", two)
        with started(either, "run") as program:
            for gate in gates:  # both have made their plans
                gate.wait()
            for gate in gates:
                gate.open()
            assert program.ends() == 0, program.output
        owners = [is_of(either, number, SECTIONS) for number in MANY]
        result = either.run()
    assert result.code == 0, result.output
    assert [is_of(either, number, SECTIONS) for number in MANY] == owners


def test_a_wish_of_the_wrong_section_neither_fetches_nor_replaces(
    source: Instance, second: Instance, either: Harvest
) -> None:
    """Lines for all kinds of files, in the file of a section that owns none of them."""
    publish(source, ONE, 50)
    publish(second, TWO, 50)
    taste = second.put_attachment("taste", b"two's taste")
    second.load(
        a_sample(4, properties=MENTION, attachments=(taste,)), a_service_file("eln/a", b"of two")
    )
    other = source.put_attachment("taste", b"one's taste")
    source.load(
        a_sample(4, properties=MENTION, attachments=(other,)), a_service_file("eln/a", b"of one")
    )
    either.init()
    drip = Drip("/datastore_server/")
    drip.open()
    with second.served() as two:
        either.section("TWO", two)
        assert either.run().code == 0
    before = either.instance.content()
    lines = (f"DATA_SET-{CODE}", "FILE-eln/a", f"SAMPLE-{perm_id(4)}", f"ATTACHMENT-{perm_id(4)}")
    (either.root / "not-synced-entities_ONE.txt").write_text("\n".join(lines))
    with source.served(drip) as one, second.served() as two:
        either.section("ONE", one)
        result = either.run("--section", "ONE")
    assert result.code == 7, result.output
    assert "FILE eln/a: a file of this path with another content" in result.output
    for remark in (f"DATA_SET {CODE} stands in", f"ATTACHMENT {perm_id(4)} stands in"):
        assert remark in result.output
    after = either.instance.content()
    for tables in (before, after):
        tables.pop("source")
        tables.pop("meta")
    assert after == before
    assert not [path for path in drip.asked if CODE in path or "attachments" in path]


def test_files_that_have_still_to_go_to_the_trash_are_not_replaced(
    source: Instance, second: Instance, either: Harvest
) -> None:
    publish(source, ONE, 50)
    publish(second, TWO)
    source.load(a_sample(4, properties=MENTION), a_service_file("eln/a", b"of one"))
    either.init()
    homes = (
        either.instance.store.data_set_file(CODE, "original/f"),
        either.instance.store.service_file("eln/a"),
    )
    for home in homes:
        home.parent.mkdir(parents=True)
        home.write_bytes(b"deleted, and not moved yet")
    # section TWO was killed after it had deleted the rows; ONE had begun to bring the file before
    for statement in (
        "INSERT INTO deletion (id, source, deleted) VALUES (1, 'TWO', 0)",
        f"INSERT INTO file_move VALUES ('TWO', 'DATA_SET', '{CODE}', 'TRASH', 1)",  # noqa: S608
        "INSERT INTO file_move VALUES ('TWO', 'FILE', 'eln/a', 'TRASH', 1)",
        "INSERT INTO arrival VALUES ('ONE', 'FILE', 'eln/a', '')",
    ):
        either.instance.execute(statement)
    with source.served() as one, second.served() as two:
        either.section("ONE", one)
        either.section("TWO", two, trash_retention_days="36500")
        result = either.run("--section", "ONE")
        assert result.code == 7, result.output
        assert f"DATA_SET {CODE}: files of section TWO have still to be moved" in result.output
        assert "FILE eln/a: the file of section TWO has still to be moved" in result.output
        assert [home.read_bytes() for home in homes] == [b"deleted, and not moved yet"] * 2
        assert either.run("--section", "TWO").code == 0
        trash = either.root / "store" / "trash" / "1"
        trashed = (trash / CODE / "original/f", trash / "files/eln/a")
        assert [one.read_bytes() for one in trashed] == [b"deleted, and not moved yet"] * 2
        either.run("--section", "ONE")
        either.command("retry")
        assert either.run("--section", "ONE").code == 0
    assert homes[1].read_bytes() == b"of one"
    assert is_of(either, 50, SECTIONS) == "ONE"


def test_a_file_restored_for_another_section_while_it_is_on_its_way_is_not_replaced(
    source: Instance, either: Harvest
) -> None:
    """The claim was made before, and the row came after it."""
    content = b"of one " * 1_000_000  # too much to stand in the list
    publish(source, ONE)
    source.load(a_sample(4, properties=MENTION), a_service_file("eln/a", content))
    either.init()
    drip = Drip("/datastore_server/file-service/eln/a")
    kept = either.instance.store.service_file("eln/a")
    with source.served(drip) as one:
        either.section("ONE", one)
        with started(either, "run") as slow:
            drip.wait()
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_bytes(b"restored")
            either.instance.execute(
                "INSERT INTO service_file VALUES ('eln/a', 'TWO', 0, 8, 'another checksum')"
            )
            drip.open()
            assert slow.ends() == 7, slow.output
    assert "FILE eln/a: a file of this path with another content" in slow.output
    assert kept.read_bytes() == b"restored"
    assert either.instance.rows("SELECT source FROM service_file") == [("TWO",)]
    assert [one.name for one in kept.parent.iterdir()] == ["a"]
