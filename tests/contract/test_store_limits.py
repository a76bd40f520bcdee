"""Everything at its limit fits into the store, on both databases; what is beyond fails alone."""

from __future__ import annotations

import random
import string
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from harvester.memory.failures import remember_failures
from shared.errors import ItemError
from shared.model import limits
from shared.model.entities import (
    Attachment,
    AttachmentVersion,
    Connection,
    ContentCopy,
    Entity,
    FileNode,
)
from shared.model.ids import Code, Identifier, PermId
from shared.model.kinds import DataSetKind, Kind, Relation
from shared.model.master_data import Term, Vocabulary
from shared.store.incoming import Incoming
from shared.store.load import load
from tests.support.instances.builders import (
    MODIFIED,
    a_data_set,
    a_material,
    a_project,
    a_sample,
    a_service_file,
    a_space,
    some_master_data,
)
from tests.support.instances.instance import Instance

WILD = random.Random(4)  # noqa: S311 - so that no database can make the texts shorter


def long(most: int) -> str:
    """A text of this number of bytes, of letters that take two."""
    letters = string.ascii_letters + "äöüßéèñ"
    text = ""
    while (left := most - len(text.encode())) > 1:
        text += "".join(WILD.choices(letters, k=left // 2))
    return text + "x" * (most - len(text.encode()))


def path_of(most: int) -> str:
    names = [long(200) for _ in range(most // 201)]
    path = "/".join(names)
    return path + "/" + long(most - len(path.encode()) - 1)


CODE, PERM_ID = Code(long(limits.CODE_BYTES)), PermId(long(limits.PERM_ID_BYTES))


def version(number: int = 1, **fields: Any) -> AttachmentVersion:
    return AttachmentVersion(version=number, **fields)


def holder(*versions: AttachmentVersion, name: str = "a.txt", **fields: Any) -> Entity:
    attachment = Attachment(file_name=name, versions=versions or (version(),))
    return a_project(attachments=(attachment,), **fields)


def files(*nodes: FileNode) -> Entity:
    return a_data_set(files=nodes)


def node(path: str = "a", length: int = 1) -> FileNode:
    return FileNode(path=path, length=length)


def test_what_is_at_the_limits_is_kept(instance: Instance) -> None:
    code = Code(long(limits.CODE_BYTES))
    sample = a_sample(
        code=code, perm_id=PERM_ID, space=CODE, project=CODE, registrator=CODE, modifier=CODE
    )
    other = a_sample(
        7, perm_id=PermId(long(limits.PERM_ID_BYTES)), space=CODE, type=CODE,
        connections=(Connection(relation=Relation.CHILD, to=PERM_ID),),
    )  # fmt: skip
    most = 2**31 - 1
    project = holder(
        version(0, length=0), version(most, registrator=CODE),
        name=long(limits.FILE_NAME_BYTES), perm_id=PermId(long(limits.PERM_ID_BYTES)),
    )  # fmt: skip
    data_set = a_data_set(
        perm_id=PermId(long(limits.DATA_SET_CODE_BYTES)),
        sample=Identifier(long(limits.IDENTIFIER_BYTES)),
        files=(node(path_of(limits.PATH_BYTES), limits.LENGTH // 2), node("/".join("a" * 100))),
    )
    early = a_sample(8, registered=limits.EARLIEST, modified=limits.LATEST)
    picture = a_service_file(path_of(limits.PATH_BYTES), b"x")
    term = Term(code=CODE, ordinal=most)
    words = Vocabulary(code=code, terms=(term,))
    values = (sample, other, project, data_set, early, a_space(code=long(limits.CODE_BYTES)))
    with instance.engine.begin() as connection:
        incoming = Incoming(connection)
        incoming.add_service_file(replace(picture, content=None, href="x"))
        incoming.finish()
        master_data = replace(some_master_data(), vocabularies=(words,))
        loaded = load(connection, instance.store, (master_data, *values))
        failed = ItemError(CODE[:100], limits.name_of_fault("ä" * 10_000), "x" * 4_000)
        remember_failures(connection, "S" * 100, [failed], MODIFIED)
    assert loaded.faults == []
    held = instance.entities()
    for value in values:
        assert held[value.kind, value.perm_id].code == value.code
    assert held[Kind.DATA_SET, data_set.perm_id].files == tuple(
        sorted(data_set.files, key=lambda file: file.path.encode())
    )
    assert held[Kind.SAMPLE, other.perm_id].connections == other.connections
    assert held[Kind.PROJECT, project.perm_id].attachments == project.attachments
    assert (held[Kind.SAMPLE, early.perm_id].registered) == limits.EARLIEST


BEYOND = {
    "the code has 501 bytes, over 500": a_sample(code=CODE + "x"),
    "the perm id has 1,101 bytes": a_sample(perm_id=PERM_ID + "x"),
    "the type has 501": a_sample(type=CODE + "x"),
    "the space has 501": a_sample(space=CODE + "x"),
    "the project has 501": a_sample(project=CODE + "x"),
    "the registrator has 501": a_sample(registrator=CODE + "x"),
    "the modifier has 501": a_sample(modifier=CODE + "x"),
    "the experiment has 2,101": a_sample(experiment=long(2_101)),
    "the sample has 2,101": a_data_set(sample=long(2_101)),
    "the code has 201": a_data_set(perm_id=long(201)),
    "the code of a property has 501": a_material(properties={CODE + "x": "1"}),
    "a connection has 1,101": a_sample(
        connections=(Connection(relation=Relation.CHILD, to=PermId(PERM_ID + "x")),)
    ),
    "the file name has 1,001": holder(name=long(1_001)),
    "the version 2147483648 is not between": holder(version(2**31)),
    "the version -1 is not between": holder(version(-1)),
    f"the length {limits.LENGTH + 1} is over": holder(version(length=limits.LENGTH + 1)),
    "it has 10,001 versions": holder(*(version(number) for number in range(10_001))),
    "the path of a file has 2,001": files(node(path_of(2_001))),
    "a name in the path of a file has 256": files(node("a/" + long(256))),
    "the path of a file has over 100 parts": files(node("/".join("a" * 101))),
    f"file 'a': the length {2**63 - 1} is over": files(node(length=2**63 - 1)),
    "with what the list has before": files(
        node("a", limits.LENGTH), node("b", limits.LENGTH), node("c", 2**55)
    ),
    "the href of a file has": files(FileNode(path="a", length=1, href="x" * 70_000)),
    "the checksum of a file has": files(FileNode(path="a", length=1, checksum="M:" + "x" * 600)),
    "the data management system of a copy": a_data_set(
        data_set_kind=DataSetKind.LINK, content_copies=(ContentCopy(external_dms=Code(CODE + "x")),)
    ),
    "a text of a content copy has": a_data_set(
        data_set_kind=DataSetKind.LINK,
        content_copies=(ContentCopy(external_dms=CODE, path="x" * 70_000),),
    ),
    "the code 'A/B' contains a slash": a_space(code="A/B"),
    "the space 'A/B' contains a slash": a_sample(space="A/B"),
    "the project 'A/B' contains a slash": a_sample(project="A/B"),
    "the registration date 0001-01-01": a_sample(registered=datetime(1, 1, 1, tzinfo=UTC)),
    "the modification date 9999-12-31": a_sample(modified=datetime(9999, 12, 31, tzinfo=UTC)),
}


@pytest.mark.parametrize("told", BEYOND)
def test_what_is_beyond_a_limit_fails_alone(instance: Instance, told: str) -> None:
    entity = BEYOND[told]
    with instance.engine.begin() as connection:
        loaded = load(connection, instance.store, (a_space(), entity, a_sample(99)))
    (fault,) = loaded.faults
    assert told in fault.reason
    assert (fault.kind, fault.perm_id) == (entity.kind, entity.perm_id)
    assert len(fault.reason) < limits.REASON_BYTES
    assert len(instance.entities()) == 2


def test_a_file_of_the_file_service_beyond_a_limit_fails_alone(instance: Instance) -> None:
    file = a_service_file("a.png", b"x")
    beyond = (
        (replace(file, path=path_of(2_001)), "the path has 2,001 bytes, over 2,000"),
        (replace(file, length=2**57), f"the length {2**57} is over"),
        (replace(file, modified=datetime(1, 1, 1, tzinfo=UTC)), "the modification date"),
    )
    with instance.engine.begin() as connection:
        incoming = Incoming(connection)
        for value, told in beyond:
            with pytest.raises(ItemError) as caught:
                incoming.add_service_file(value)
            assert told in caught.value.reason
        incoming.add_service_file(file)
        incoming.finish()
        assert connection.exec_driver_sql("SELECT path FROM incoming_service_file").all() == [
            ("a.png",)
        ]


def test_definitions_have_limits_too() -> None:
    beyond = (
        Term(code=Code(CODE + "x"), ordinal=1),
        Term(code=CODE, ordinal=1, registrator=CODE + "x"),
    )
    assert "the code has 501 bytes" in (limits.definition_excess(beyond[0]) or "")
    assert "the registrator has 501 bytes" in (limits.definition_excess(beyond[1]) or "")
    assert "the ordinal" in (limits.definition_excess(Term(code=CODE, ordinal=2**31)) or "")
    assert limits.definition_excess(Term(code=CODE, ordinal=1, registrator=CODE)) is None


def test_names_of_faults_stay_two_however_long_they_are() -> None:
    one, two = "x" * 5_000 + "1", "x" * 5_000 + "2"
    names = {limits.name_of_fault(one), limits.name_of_fault(two)}
    assert len(names) == 2
    assert all(len(name) < 500 for name in names)
    assert limits.name_of_fault(PERM_ID) == PERM_ID
