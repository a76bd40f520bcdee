"""Incoming rows are completed with what a list does not show and that is not gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from harvester.openbis.destination.losses import losses
from harvester.openbis.destination.unknown_parts import (
    complete_unknown,
    never_came,
    waits_for_files,
)
from shared.model.entities import AttachmentVersion, ContentCopy, Entity, FileNode
from shared.model.ids import Code, Identifier
from shared.model.kinds import ENTITY_KINDS, DataSetKind, Kind, Relation
from shared.model.unknown import Part, Reason, Unknown
from shared.store.changes import (
    ORIGINAL_STAMPS,
    Action,
    apply_kind,
    compare,
    plan_files,
    planned,
)
from shared.store.engine import work
from shared.store.identity import settle as identify
from shared.store.incoming import Incoming
from shared.store.sources import stored_unknown
from tests.contract.passes import completing, harvest
from tests.support.instances.builders import (
    a_data_set,
    a_material,
    a_project,
    a_sample,
    a_space,
    an_attachment,
    an_experiment,
    perm_id,
)
from tests.support.instances.full_instance import connected
from tests.support.instances.instance import Instance, a_file

FILES = (a_file("a", b"a"), a_file("b", b"bb"))
RAW = a_data_set(5, files=FILES, connections=connected(Relation.CHILD, perm_id(6)))
COPIES = tuple(
    ContentCopy(external_dms=Code("GIT"), path=path, id=path) for path in ("/one", "/two")
)
LINK = a_data_set(6, data_set_kind=DataSetKind.LINK, content_copies=COPIES)
NOTES = {"NOTES": "n", "FRIEND": perm_id(9), "SOLVENT": "OIL"}
PLATE = a_sample(
    4,
    properties=NOTES,
    connections=connected(Relation.COMPONENT, perm_id(7), perm_id(8), perm_id(9)),
)
WELLS = [a_sample(7, code="A01"), a_sample(8, code="A02"), a_sample(9, code="A03")]
PLAN = an_attachment(
    "plan.txt",
    AttachmentVersion(version=1, length=1, sha256="1" * 64, registrator="mira"),
    AttachmentVersion(version=2, length=2, sha256="2" * 64),
)
HOLDER = a_project(2, attachments=(PLAN,))
WORLD = (a_space(), HOLDER, RAW, LINK, PLATE, *WELLS)


def marked(entity: Entity, part: Part, reason: Reason, detail: str | None = None) -> Entity:
    return replace(entity, unknown=(Unknown(part=part, reason=reason, detail=detail),))


def instead(*changed: Entity) -> list[Entity]:
    """The world with some others in it."""
    names = {(entity.kind, entity.perm_id): entity for entity in changed}
    return [names.get((entity.kind, entity.perm_id), entity) for entity in WORLD]


@pytest.fixture
def filled(instance: Instance) -> Instance:
    harvest(instance, *WORLD)
    instance.execute(
        "INSERT INTO attachment (kind, perm_id, file_name, version, length, sha256, registrator)"  # noqa: S608
        f" VALUES ('PROJECT', '{HOLDER.perm_id}', 'plan.txt', 1, 1, '{'1' * 64}', 'mira'),"
        f" ('PROJECT', '{HOLDER.perm_id}', 'plan.txt', 2, 2, '{'2' * 64}', NULL)"
    )
    return instance


HIDDEN = [
    marked(replace(RAW, files=()), Part.FILES, Reason.NOT_MOUNTED),
    marked(replace(RAW, files=FILES[1:]), Part.FILES, Reason.BAD_NAME),
    marked(RAW, Part.FILES, Reason.ARCHIVED),
    marked(replace(LINK, content_copies=()), Part.CONTENT_COPIES, Reason.OUT_OF_SCOPE),
    marked(replace(LINK, content_copies=COPIES[1:]), Part.CONTENT_COPIES, Reason.OTHER),
    marked(replace(HOLDER, attachments=()), Part.ATTACHMENTS, Reason.UNREADABLE),
    marked(
        replace(PLATE, properties={"NOTES": "n"}),
        *(Part.PROPERTIES, Reason.OUT_OF_SCOPE, "FRIEND SOLVENT"),
    ),
    marked(replace(PLATE, properties={}), Part.PROPERTIES, Reason.OUT_OF_SCOPE),
]


@pytest.mark.parametrize("shown", HIDDEN, ids=lambda e: f"{e.kind} {e.unknown}")
def test_what_differs_only_in_what_is_unknown_does_not_differ(
    filled: Instance, shown: Entity
) -> None:
    with completing(filled, instead(shown)) as connection:
        assert list(planned(connection, Action.CHANGED)) == []
        assert list(losses(connection)) == []
        rows = connection.exec_driver_sql(
            "SELECT i.unknown FROM incoming_entity AS i WHERE i.unknown IS NOT NULL"
        )
        assert rows.all() == []


def test_a_hidden_component_keeps_its_place(filled: Instance) -> None:
    for hidden, left in ((8, (7, 9)), (7, (8, 9)), (9, (7, 8))):
        edges = connected(Relation.COMPONENT, *map(perm_id, left))
        plate = marked(replace(PLATE, connections=edges), Part.CONNECTIONS, Reason.OUT_OF_SCOPE)
        listed = [e for e in instead(plate) if e.perm_id != perm_id(hidden)]
        with completing(filled, listed) as connection:
            assert list(planned(connection, Action.CHANGED)) == []
            assert [one.perm_id for one in planned(connection, Action.GONE)] == [perm_id(hidden)]


def test_a_link_that_is_not_listed_is_gone_if_its_target_is_listed(filled: Instance) -> None:
    edges = connected(Relation.COMPONENT, perm_id(7), perm_id(8))
    plate = marked(replace(PLATE, connections=edges), Part.CONNECTIONS, Reason.OUT_OF_SCOPE)
    with completing(filled, instead(plate)) as connection:
        changed = {one.perm_id for one in planned(connection, Action.CHANGED)}
        assert changed == {PLATE.perm_id, perm_id(9)}  # the well has another identifier now
        rows = connection.exec_driver_sql(
            f"SELECT to_perm_id FROM incoming_link WHERE from_perm_id = '{PLATE.perm_id}'"  # noqa: S608
            " ORDER BY ordinal"
        )
        assert rows.scalars().all() == [perm_id(7), perm_id(8)]


def test_what_lies_in_a_hidden_place_stays_there(instance: Instance) -> None:
    full_instance = (a_space(), a_project(2), an_experiment(3))
    trial = Identifier("/ALPHA/KITCHEN/EXPERIMENT-3")
    in_trial = a_data_set(5, experiment=trial)
    of_sample = a_data_set(6, sample=Identifier("/ALPHA/SAMPLE-4"))
    harvest(instance, *full_instance, a_sample(4), in_trial, of_sample)
    hidden = [
        marked(replace(in_trial, experiment=None), Part.CONNECTIONS, Reason.OUT_OF_SCOPE),
        marked(replace(of_sample, sample=None), Part.CONNECTIONS, Reason.OUT_OF_SCOPE),
    ]
    with completing(instance, [*full_instance[:2], *hidden]) as connection:
        assert list(planned(connection, Action.CHANGED)) == []
    moved = [
        *full_instance,
        a_sample(4),
        *hidden,
    ]  # what they were in is listed: they are not in it
    with completing(instance, moved) as connection:
        assert len(list(planned(connection, Action.CHANGED))) == 2


def test_an_owner_that_is_hidden_is_meant_by_its_perm_id(instance: Instance) -> None:
    """Another one may have its identifier in the list; and an update writes who is meant."""
    full_instance = (a_space(), a_project(2))
    data_set = a_data_set(5, experiment=Identifier("/ALPHA/KITCHEN/EXPERIMENT-3"))
    of_sample = a_data_set(6, sample=Identifier("/ALPHA/SAMPLE-4"))
    tried = a_sample(8, project="KITCHEN", experiment=data_set.experiment)
    harvest(instance, *full_instance, an_experiment(3), a_sample(4), data_set, of_sample, tried)
    query = (
        "SELECT perm_id, experiment, sample, home_project, project_perm_id, experiment_perm_id,"
        " sample_perm_id FROM entity WHERE kind IN ('DATA_SET', 'SAMPLE') ORDER BY 1"
    )
    before = instance.rows(query)
    noted = {"NOTES": "n"}
    hidden = [
        marked(one, Part.CONNECTIONS, Reason.OUT_OF_SCOPE)
        for one in (
            replace(data_set, properties=noted, experiment=None),
            replace(of_sample, properties=noted, sample=None),
            replace(tried, properties=noted, experiment=None),
        )
    ]
    others = an_experiment(13, code="EXPERIMENT-3"), a_sample(14, code="SAMPLE-4")
    with completing(instance, [*full_instance, *others, *hidden]) as connection:
        identify(connection)
        taken = {one.perm_id for one in planned(connection, Action.TAKEN)}
        assert taken == {perm_id(13), perm_id(14)}
        for kind in ENTITY_KINDS:
            apply_kind(connection, kind, "DS1", ORIGINAL_STAMPS)
    assert instance.rows(query) == before
    with completing(instance, [*full_instance, *hidden]) as connection:
        assert list(planned(connection, Action.CHANGED)) == []


def test_a_component_whose_container_is_not_listed_and_stays_is_called_as_before(
    filled: Instance,
) -> None:
    """Be it hidden, held back or a record that cannot be read; and so are references to it."""
    of_well = a_data_set(10, sample=Identifier("/ALPHA/SAMPLE-4:A01"))
    query = (
        "SELECT perm_id, identifier, sample, sample_perm_id FROM entity"
        " WHERE kind IN ('SAMPLE', 'DATA_SET') ORDER BY 1"
    )
    harvest(filled, *WORLD, of_well)
    before = filled.rows(query)
    assert (of_well.perm_id, of_well.identifier, of_well.sample, WELLS[0].perm_id) in before
    listed = [one for one in (*WORLD, of_well) if one is not PLATE]
    with completing(filled, listed) as connection:
        assert list(planned(connection, Action.CHANGED)) == []
    noted = (
        replace(WELLS[0], properties={"NOTES": "n"}),
        replace(of_well, properties={"NOTES": "n"}),
    )
    changed = {one.perm_id: one for one in noted}
    listed = [changed.get(one.perm_id, one) for one in listed]
    with completing(filled, listed) as connection:
        identify(connection)
        for kind in ENTITY_KINDS:
            apply_kind(connection, kind, "DS1", ORIGINAL_STAMPS)
    assert filled.rows(query) == before


def test_a_content_that_cannot_be_given_now_comes_later(filled: Instance) -> None:
    third = AttachmentVersion(version=3, length=3, sha256="3" * 64)
    shown = replace(HOLDER, attachments=(an_attachment("plan.txt", *PLAN.versions, third),))
    listed = instead(marked(shown, Part.ATTACHMENTS, Reason.UNREADABLE))
    with completing(filled, listed) as connection:
        rows = connection.exec_driver_sql(
            "SELECT version, sha256 FROM incoming_attachment ORDER BY version"
        )
        assert rows.all() == [(1, "1" * 64), (2, "2" * 64), (3, None)]
        assert list(losses(connection)) == []


def test_values_that_are_listed_count_and_the_mark_names_what_never_came(
    filled: Instance,
) -> None:
    plate = marked(
        replace(PLATE, properties={"NOTES": "other"}),
        *(Part.PROPERTIES, Reason.OUT_OF_SCOPE, "FRIEND SOLVENT FLOUR"),
    )
    harvest_completed(filled, instead(plate))
    stored = filled.entities()[Kind.SAMPLE, PLATE.perm_id]
    assert dict(stored.properties) == NOTES | {"NOTES": "other"}
    assert stored.unknown == (
        Unknown(part=Part.PROPERTIES, reason=Reason.OUT_OF_SCOPE, detail="FLOUR"),
    )
    with completing(filled, instead(plate)) as connection:
        assert list(planned(connection, Action.CHANGED)) == []


def test_the_mark_of_several_values_stays_whatever_is_here(filled: Instance) -> None:
    """The one that is here is one of them, or was: a copy of this instance must not take it for
    all."""
    properties = {code: value for code, value in NOTES.items() if code != "NOTES"}
    plate = marked(
        replace(PLATE, properties=properties), Part.PROPERTIES, Reason.SEVERAL_VALUES, "NOTES"
    )
    harvest_completed(filled, instead(plate))
    stored = filled.entities()[Kind.SAMPLE, PLATE.perm_id]
    assert dict(stored.properties) == NOTES
    assert stored.unknown == plate.unknown
    with completing(filled, instead(plate)) as connection:
        assert list(planned(connection, Action.CHANGED)) == []


@pytest.mark.parametrize("stays", [True, False])
def test_a_value_that_names_a_material_stays_as_long_as_the_material(
    instance: Instance, *, stays: bool
) -> None:
    """An openBIS that is upgraded past schema 209 has neither any more."""
    oil = a_material(code="OIL")
    plate = replace(PLATE, connections=(), properties={"NOTES": "n", "SOLVENT": str(oil.perm_id)})
    harvest(instance, a_space(), oil, plate)
    left = replace(plate, properties={"NOTES": "n"})

    harvest_completed(instance, [a_space(), *([] if stays else [oil]), left])

    stored = instance.entities()[Kind.SAMPLE, PLATE.perm_id].properties
    assert dict(stored) == dict(plate.properties if stays else left.properties)


def harvest_completed(instance: Instance, listed: Sequence[Entity]) -> None:
    """Apply all but deletions."""
    with completing(instance, listed) as connection:
        for kind in (Kind.SPACE, Kind.PROJECT, Kind.SAMPLE, Kind.DATA_SET):
            apply_kind(connection, kind, "DS1", ORIGINAL_STAMPS)


def test_what_never_came_is_unknown_here_until_it_comes(instance: Instance) -> None:
    archived = marked(RAW, Part.FILES, Reason.ARCHIVED)
    for reason in (Reason.ARCHIVED, Reason.NOT_MOUNTED):
        listed = instead(marked(RAW, Part.FILES, reason))
        harvest_completed(instance, listed)
        stored = instance.entities()[Kind.DATA_SET, RAW.perm_id]
        assert stored.files == ()
        assert [mark.reason for mark in stored.unknown] == [reason]
        with completing(instance, listed) as connection:
            assert never_came(connection, "DS1") == {(Part.FILES, reason): 1}
            assert stored_unknown(connection, "DS1") == {(Part.FILES, reason): 1}
            assert waits_for_files(connection) == {RAW.perm_id}
            assert list(planned(connection, Action.CHANGED)) == []
    with completing(instance, instead(RAW)) as connection:
        assert [one.perm_id for one in planned(connection, Action.CHANGED)] == [RAW.perm_id]
        assert list(losses(connection)) == []
    assert archived.files == RAW.files


def test_the_latest_version_says_nothing_of_the_others(filled: Instance) -> None:
    latest = an_attachment("plan.txt", AttachmentVersion(version=3, title="third"))
    with completing(filled, instead(replace(HOLDER, attachments=(latest,)))) as connection:
        rows = connection.exec_driver_sql(
            "SELECT version, sha256 FROM incoming_attachment ORDER BY version"
        )
        assert rows.all() == [(1, "1" * 64), (2, "2" * 64), (3, None)]
        assert list(losses(connection)) == []


def test_a_version_without_checksum_keeps_that_which_is_known(filled: Instance) -> None:
    bare = an_attachment("plan.txt", AttachmentVersion(version=2, title="new title"))
    with completing(filled, instead(replace(HOLDER, attachments=(bare,)))) as connection:
        rows = connection.exec_driver_sql(
            "SELECT version, title, length, sha256 FROM incoming_attachment ORDER BY version"
        )
        assert rows.all() == [(1, None, 1, "1" * 64), (2, "new title", 2, "2" * 64)]


def test_a_checksum_that_is_not_computed_yet_is_no_other_one(filled: Instance) -> None:
    bare = tuple(FileNode(path=f.path, length=f.length) for f in FILES)
    with completing(filled, instead(replace(RAW, files=bare))) as connection:
        assert list(planned(connection, Action.CHANGED)) == []
        assert list(losses(connection)) == []


def test_what_belongs_to_another_section_is_not_completed(filled: Instance) -> None:
    filled.execute("UPDATE entity SET source = 'DS2'")
    shown = marked(replace(RAW, files=()), Part.FILES, Reason.NOT_MOUNTED)
    with completing(filled, instead(shown)) as connection:
        assert connection.exec_driver_sql("SELECT * FROM incoming_data_set_file").all() == []
        assert list(losses(connection)) == []


def test_the_last_of_several_records_has_the_marks_that_count(filled: Instance) -> None:
    shown = marked(replace(RAW, files=()), Part.FILES, Reason.NOT_MOUNTED)
    with completing(filled, [shown, *WORLD]) as connection:
        assert waits_for_files(connection) == frozenset()
        assert list(planned(connection, Action.CHANGED)) == []


LOSSES = [
    (replace(RAW, files=()), ["missing", "missing"]),
    (replace(RAW, files=FILES[1:]), ["missing"]),
    (replace(RAW, files=(FILES[0], replace(FILES[1], length=1))), ["smaller"]),
    (replace(RAW, files=(FILES[0], replace(FILES[1], length=3))), ["different"]),
    (replace(RAW, files=(FILES[0], replace(FILES[1], crc32=1))), ["different"]),
    (
        replace(RAW, files=(FILES[0], replace(FILES[1], checksum="SHA256:00"))),
        ["different"],
    ),
    (replace(RAW, files=FILES, data_set_kind=DataSetKind.CONTAINER), ["kind"]),
    (replace(LINK, content_copies=COPIES[:1]), ["copy"]),
    (replace(HOLDER, attachments=()), ["missing", "missing"]),
    (
        replace(
            HOLDER,
            attachments=(an_attachment("plan.txt", AttachmentVersion(version=2, sha256="3" * 64)),),
        ),
        ["different"],
    ),
]


@pytest.mark.parametrize(("shown", "problems"), LOSSES)
def test_what_would_be_lost_is_found_and_kept(
    filled: Instance, shown: Entity, problems: list[str]
) -> None:
    with completing(filled, instead(shown)) as connection:
        found = list(losses(connection))
        assert [one.problem for one in found] == problems
        assert {(one.thing, one.perm_id) for one in found} == {(shown.kind, shown.perm_id)}
        assert list(planned(connection, Action.CHANGED)) == []
        (spared,) = planned(connection, Action.SPARED)
        assert spared.perm_id == shown.perm_id


@pytest.mark.parametrize(
    "shown",
    [
        replace(RAW, files=(*FILES, a_file("c", b"c"))),
        replace(LINK, content_copies=(*COPIES, replace(COPIES[0], id="three"))),
        replace(RAW, properties={"NOTES": "new"}),
    ],
)
def test_what_only_grows_or_changes_its_metadata_loses_nothing(
    filled: Instance, shown: Entity
) -> None:
    with completing(filled, instead(shown)) as connection:
        assert list(losses(connection)) == []
        assert [one.perm_id for one in planned(connection, Action.CHANGED)] == [shown.perm_id]


def test_a_mark_of_the_whole_list_stays_though_no_record_of_it_counts(instance: Instance) -> None:
    """All of them are there twice."""
    harvest(instance, a_space())
    instance.execute("INSERT INTO service_file VALUES ('a.png', 'DS1', 1, 2, 'ab')")
    with instance.engine.connect() as connection:
        with connection.begin():
            incoming = Incoming(connection)
            incoming.add_unknown([Unknown(part=Part.FILE_SERVICE, reason=Reason.NOT_MOUNTED)])
            for _ in range(2):
                incoming.add(a_space())
            assert incoming.finish().records == 2
        with work(connection) as transaction, transaction():
            compare(connection, "DS1")
            complete_unknown(connection, "DS1")
            plan_files(connection, "DS1")
            assert list(planned(connection, Action.GONE)) == []
