"""A published store says what its scope hides and what is not in its data store folder; marks that
came with a harvest are passed on."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from shared.errors import NotNowError
from shared.model.entities import Entity
from shared.model.ids import Code, Identifier, PermId
from shared.model.kinds import DataSetKind, Kind, Relation
from shared.model.master_data import DataType
from shared.model.unknown import Part, Reason, Unknown
from source_server.catalogues.embedded import EmbeddedCatalogue
from source_server.publication.catalogue import Scope
from tests.support.instances.builders import (
    a_data_set,
    a_project,
    a_property_type,
    a_sample,
    a_space,
    an_experiment,
    perm_id,
    some_master_data,
)
from tests.support.instances.full_instance import connected
from tests.support.instances.instance import Instance

ALPHA = Scope(spaces=frozenset({Code("ALPHA")}))
BETA = Scope(spaces=frozenset({Code("BETA")}))
BOTH = Scope(spaces=ALPHA.spaces | BETA.spaces)
ONE = Scope(projects=frozenset({Identifier("/ALPHA/ONE")}))
MASTER_DATA = replace(
    some_master_data(),
    property_types=tuple(
        a_property_type(code, data_type=DataType.SAMPLE) for code in ("FRIEND", "TWIN")
    ),
)
SCOPED = [
    a_space(),
    a_space("BETA"),
    a_project(2, code="ONE"),
    a_project(4, code="ONE", space="BETA"),
    an_experiment(10, code="E", project="ONE"),
    an_experiment(11, code="F", project="ONE", space="BETA"),
    a_sample(20, code="IN-E", experiment="/ALPHA/ONE/E", connections=connected(
        Relation.CHILD, perm_id(22), perm_id(23), perm_id(99))),
    a_sample(22, code="IN-ALPHA", connections=connected(Relation.COMPONENT, perm_id(23))),
    a_sample(23, code="IN-BETA", space="BETA", project="ONE"),
    a_sample(24, code="SHARED", space=None, properties={
        "FRIEND": perm_id(23), "TWIN": perm_id(22), "NOTES": perm_id(23)}),
    a_sample(26, code="OTHER", space="BETA"),
    a_sample(25, code="LONELY", properties={"FRIEND": perm_id(99)}),
    a_data_set(30, experiment="/ALPHA/ONE/E", sample="/BETA/OTHER"),
    a_data_set(31, experiment="/ALPHA/ONE/NOWHERE", sample="/ALPHA/IN-ALPHA"),
]  # fmt: skip


def a_catalogue(instance: Instance) -> EmbeddedCatalogue:
    root = instance.root
    return EmbeddedCatalogue(
        instance.engine, store_root=root / "store", service_root=root / "file-service"
    )


def found(catalogue: EmbeddedCatalogue, kind: Kind, scope: Scope = BOTH) -> dict[str, Entity]:
    """By the last part of the perm id."""
    with catalogue.snapshot() as snapshot:
        return {e.perm_id.rpartition("-")[2]: e for e in snapshot.entities(kind, scope)}


def hidden(part: Part, detail: str) -> Unknown:
    return Unknown(part=part, reason=Reason.OUT_OF_SCOPE, detail=detail)


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (BOTH, {}),
        (
            ALPHA,
            {
                "20": (hidden(Part.CONNECTIONS, "1 to what is not shown"),),
                "22": (hidden(Part.CONNECTIONS, "1 to what is not shown"),),
                "24": (hidden(Part.PROPERTIES, "FRIEND"),),
                "30": (hidden(Part.CONNECTIONS, "the sample"),),
            },
        ),
        (BETA, {"24": (hidden(Part.PROPERTIES, "TWIN"),)}),
        (
            ONE,
            {
                "20": (hidden(Part.CONNECTIONS, "2 to what is not shown"),),
                "24": (hidden(Part.PROPERTIES, "FRIEND TWIN"),),
                "30": (hidden(Part.CONNECTIONS, "the sample"),),
                "31": (hidden(Part.CONNECTIONS, "the sample"),),
            },
        ),
    ],
)
def test_what_a_scope_hides_is_unknown(
    instance: Instance, scope: Scope, expected: dict[str, tuple[Unknown, ...]]
) -> None:
    """What is not there at all hides nothing: the sample 99, the experiment NOWHERE."""
    instance.load(MASTER_DATA, *SCOPED)
    catalogue = a_catalogue(instance)

    told = {
        number: entity.unknown
        for kind in (Kind.EXPERIMENT, Kind.SAMPLE, Kind.DATA_SET)
        for number, entity in found(catalogue, kind, scope).items()
        if entity.unknown
    }

    assert told == expected


def test_marks_that_came_with_a_harvest_are_passed_on(instance: Instance) -> None:
    archived = Unknown(part=Part.FILES, reason=Reason.ARCHIVED, detail="tape; 7")
    elsewhere = hidden(Part.CONNECTIONS, "3 to what is not shown")
    instance.load(
        MASTER_DATA,
        *SCOPED[:-2],
        replace(SCOPED[-2], unknown=(archived, elsewhere)),
        a_data_set(32, unknown=(archived,)),
    )
    catalogue = a_catalogue(instance)

    assert found(catalogue, Kind.DATA_SET, BOTH)["30"].unknown == (archived, elsewhere)
    assert found(catalogue, Kind.DATA_SET, ALPHA)["30"].unknown == (
        *(archived, elsewhere, hidden(Part.CONNECTIONS, "the sample")),
    )
    assert catalogue.unseen() == {"archived": 2}


@pytest.fixture
def filled(instance: Instance) -> Instance:
    """Two data sets with files, and a sample with an attachment of two versions."""
    instance.load(
        a_space(),
        a_data_set(30, files=(instance.put_file(perm_id(30), "a.txt", b"a"),)),
        a_data_set(31, files=(instance.put_file(perm_id(31), "b.txt", b"b"),)),
        a_data_set(33, data_set_kind=DataSetKind.PHYSICAL),
        a_sample(20, attachments=(instance.put_attachment("x.txt", b"1", b"2"),)),
    )
    return instance


def folder_of(instance: Instance, number: int) -> Path:
    return instance.store.data_set_folder(perm_id(number))


def test_where_all_is_there_nothing_is_marked(filled: Instance) -> None:
    catalogue = a_catalogue(filled)

    marks = {e.unknown for k in Kind if k is not Kind.FILE for e in found(catalogue, k).values()}
    assert marks == {()}
    assert catalogue.unseen() == {}
    assert catalogue.mark() is not None


def test_a_data_set_whose_folder_is_gone_lists_its_files_and_says_so(filled: Instance) -> None:
    before = found(a_catalogue(filled), Kind.DATA_SET)
    shutil.rmtree(folder_of(filled, 30))
    catalogue = a_catalogue(filled)
    after = found(catalogue, Kind.DATA_SET)
    lost = Unknown(part=Part.FILES, reason=Reason.NOT_HARVESTED)

    assert after == before | {"30": replace(before["30"], unknown=(lost,))}
    with pytest.raises(NotNowError, match="its files are not here"):
        catalogue.data_set_file(Code(perm_id(30)), "a.txt", BOTH)
    assert catalogue.data_set_file(Code(perm_id(30)), "other.txt", BOTH) is None
    assert catalogue.data_set_file(Code(perm_id(31)), "b.txt", BOTH) is not None


@pytest.mark.parametrize("left", ["nothing", "an empty root", "an empty share"])
def test_a_data_store_that_is_not_mounted(filled: Instance, left: str) -> None:
    root = filled.root / "store"
    root.rename(filled.root / "away")
    if left != "nothing":
        (root / "1" if left == "an empty share" else root).mkdir(parents=True)
    catalogue = a_catalogue(filled)
    away = (Unknown(part=Part.FILES, reason=Reason.NOT_MOUNTED),)
    without_contents = Unknown(
        part=Part.ATTACHMENTS, reason=Reason.NOT_MOUNTED, detail="1 file not here: 'x.txt'"
    )

    data_sets = found(catalogue, Kind.DATA_SET)
    assert {n: e.unknown for n, e in data_sets.items()} == {"30": away, "31": away, "33": ()}
    assert all(data_sets[number].files for number in ("30", "31"))
    assert found(catalogue, Kind.SAMPLE)["20"].unknown == (without_contents,)
    assert catalogue.unseen() == {f"not-mounted: {root}": 2}
    with pytest.raises(NotNowError, match="a disk may not be mounted"):
        catalogue.data_set_file(Code(perm_id(30)), "a.txt", BOTH)


def test_an_attachment_whose_content_is_gone(filled: Instance) -> None:
    sample = found(a_catalogue(filled), Kind.SAMPLE)["20"]
    first = sample.attachments[0].versions[0].sha256
    assert first is not None
    filled.store.attachment(first).unlink()
    catalogue = a_catalogue(filled)
    lost = Unknown(
        part=Part.ATTACHMENTS, reason=Reason.NOT_HARVESTED, detail="1 file not here: 'x.txt'"
    )

    assert found(catalogue, Kind.SAMPLE)["20"] == replace(sample, unknown=(lost,))
    holder = PermId(perm_id(20))
    with pytest.raises(NotNowError, match="its content is not here"):
        catalogue.attachment(Kind.SAMPLE, holder, "x.txt", 1, BOTH)
    assert catalogue.attachment(Kind.SAMPLE, holder, "x.txt", 2, BOTH) is not None


def test_a_list_is_sent_anew_while_something_is_not_there(filled: Instance) -> None:
    """An answer that nothing has changed would hide that it is there again."""
    catalogue = a_catalogue(filled)
    before = catalogue.mark()
    place = folder_of(filled, 30)
    aside = filled.root / "aside"
    place.rename(aside)
    found(catalogue, Kind.DATA_SET)
    while_away = catalogue.mark()
    aside.rename(place)
    still_not_known = catalogue.mark()
    found(catalogue, Kind.DATA_SET)

    assert (while_away, still_not_known) == (None, None)
    assert catalogue.mark() == before is not None


def test_the_mark_changes_with_the_shares_that_are_mounted(filled: Instance) -> None:
    catalogue = a_catalogue(filled)
    share = filled.root / "store" / "1"
    marks = [catalogue.mark()]
    share.rename(filled.root / "aside")
    marks.append(catalogue.mark())
    (filled.root / "aside").rename(share)
    marks.append(catalogue.mark())

    assert marks[0] == marks[2] != marks[1]
