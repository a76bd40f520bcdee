"""What lies outside a scope, or has no content, is said to be unknown and never to be none."""

from __future__ import annotations

import pytest

from shared.model.entities import Entity
from shared.model.ids import PermId
from shared.model.kinds import Kind
from shared.model.unknown import Part, Reason, Unknown
from source_server.catalogues.openbis.catalogue import OpenBisCatalogue
from source_server.publication.catalogue import Catalogue, Scope
from tests.conftest import LoadOpenBis, OpenCatalogue
from tests.support.openbis.examples import MADE
from tests.support.servers.postgres import connected_to, counted, run

ALPS = MADE.scope("ALPS")
GLACIER = MADE.scope(projects=("/ALPS/GLACIER",))
IN_COAST = """(select min(x.id) from samples x join spaces s on s.id = x.space_id
                where s.code = 'COAST')"""
IN_ALPS = IN_COAST.replace("COAST", "ALPS")
DATA_SET = MADE.readme


@pytest.fixture
def url(copy_openbis: LoadOpenBis) -> str:
    return copy_openbis(MADE.database)


@pytest.fixture
def catalogue(url: str, open_catalogue: OpenCatalogue) -> OpenBisCatalogue:
    return open_catalogue(url)


def found(catalogue: Catalogue, kind: Kind, scope: Scope) -> dict[PermId, Entity]:
    with catalogue.snapshot() as snapshot:
        return {each.perm_id: each for each in snapshot.entities(kind, scope)}


def marks(entity: Entity, part: Part) -> list[Unknown]:
    return [each for each in entity.unknown if each.part is part]


def hidden(part: Part, detail: str) -> list[Unknown]:
    return [Unknown(part=part, reason=Reason.OUT_OF_SCOPE, detail=detail)]


@pytest.mark.parametrize("kind", [Kind.EXPERIMENT, Kind.SAMPLE, Kind.DATA_SET])
def test_where_everything_is_shown_nothing_is_hidden(
    catalogue: OpenBisCatalogue, kind: Kind
) -> None:
    reasons = {
        m.reason for e in found(catalogue, kind, MADE.everything).values() for m in e.unknown
    }
    assert reasons <= {Reason.NOT_MOUNTED, Reason.ARCHIVED}


def test_children_and_components_outside_the_scope(url: str, catalogue: OpenBisCatalogue) -> None:
    run(
        url,
        """insert into sample_relationships_all
               (id, sample_id_parent, relationship_id, sample_id_child, registration_timestamp,
                parent_frozen, child_frozen)
           select 99001, <mine>, id, <other>, now(), false, false from relationship_types
            where code = 'PARENT_CHILD'""".replace("<mine>", IN_ALPS).replace("<other>", IN_COAST),
        """update samples_all set samp_id_part_of = <mine>
            where id = (select max(x.id) from samples x join spaces s on s.id = x.space_id
                         where s.code = 'COAST')""".replace("<mine>", IN_ALPS),
    )
    perm_id = mine(url)
    narrow, wide = (
        found(catalogue, Kind.SAMPLE, scope)[perm_id] for scope in (ALPS, MADE.everything)
    )

    assert marks(narrow, Part.CONNECTIONS) == hidden(Part.CONNECTIONS, "2 to what is not shown")
    assert len(wide.connections) == len(narrow.connections) + 2
    assert wide.unknown == ()


def test_components_of_data_sets_outside_the_scope(catalogue: OpenBisCatalogue) -> None:
    """Containers and components lie in several projects."""
    narrow = found(catalogue, Kind.DATA_SET, GLACIER)
    wide = found(catalogue, Kind.DATA_SET, MADE.everything)
    lost = {
        perm_id: len(wide[perm_id].connections) - len(each.connections)
        for perm_id, each in narrow.items()
        if len(wide[perm_id].connections) > len(each.connections)
    }

    told = {p: marks(each, Part.CONNECTIONS) for p, each in narrow.items()}
    assert {p: m for p, m in told.items() if m} == {
        p: hidden(Part.CONNECTIONS, f"{count} to what is not shown") for p, count in lost.items()
    }
    assert lost


def test_a_link_to_what_is_in_the_trash_of_openbis_is_none(
    url: str, catalogue: OpenBisCatalogue
) -> None:
    before = found(catalogue, Kind.SAMPLE, ALPS)
    with_children = next(each for each in before.values() if len(each.connections) > 0)
    target = with_children.connections[0].to
    run(
        url,
        "insert into deletions (id, registration_timestamp, pers_id_registerer, reason)"
        " values (99001, now(), 1, 'test')",
        f"update samples_all set del_id = 99001 where perm_id = '{target}'",  # noqa: S608
    )
    after = found(catalogue, Kind.SAMPLE, ALPS)[with_children.perm_id]

    assert target not in {c.to for c in after.connections}
    assert after.unknown == with_children.unknown


def test_a_data_set_whose_sample_is_outside_the_scope(
    url: str, catalogue: OpenBisCatalogue
) -> None:
    run(
        url,
        "update data_all set samp_id = <other> where code = '<code>'".replace(
            "<other>", IN_COAST
        ).replace("<code>", DATA_SET),
    )
    narrow, wide = (
        found(catalogue, Kind.DATA_SET, scope)[PermId(DATA_SET)]
        for scope in (ALPS, MADE.everything)
    )

    assert wide.sample is not None
    assert marks(wide, Part.CONNECTIONS) == []
    assert narrow.sample is None
    assert narrow.experiment == wide.experiment
    assert hidden(Part.CONNECTIONS, "the sample")[0] in narrow.unknown


def test_a_sample_whose_experiment_is_outside_the_scope(
    url: str, catalogue: OpenBisCatalogue
) -> None:
    run(
        url,
        """update samples_all set proj_id = null, expe_id = (
               select min(e.id) from experiments e join projects p on p.id = e.proj_id
                 join spaces s on s.id = p.space_id where s.code = 'COAST')
            where id = <mine>""".replace("<mine>", IN_ALPS),
    )
    narrow = found(catalogue, Kind.SAMPLE, ALPS)[mine(url)]

    assert narrow.experiment is None
    assert hidden(Part.CONNECTIONS, "the experiment")[0] in narrow.unknown


def test_values_that_name_samples_outside_the_scope(url: str, catalogue: OpenBisCatalogue) -> None:
    """In a trash they are none; outside the scope their codes are named."""
    values = """from sample_properties v join samples x on x.id = v.samp_id
                 join spaces s on s.id = x.space_id
                where v.samp_prop_id is not null and s.code = 'ALPS'"""
    assert counted(url, f"select count(*) {values}") > 0
    run(
        url,
        "update sample_properties set samp_prop_id = <other> where id in (<ids>)".replace(
            "<other>", IN_COAST
        ).replace("<ids>", f"select v.id {values}"),
    )
    narrow, wide = (found(catalogue, Kind.SAMPLE, scope) for scope in (ALPS, MADE.everything))
    lost = {
        perm_id: " ".join(sorted(wide[perm_id].properties.keys() - each.properties.keys()))
        for perm_id, each in narrow.items()
        if each.properties != wide[perm_id].properties
    }
    told = {p: marks(each, Part.PROPERTIES) for p, each in narrow.items()}

    assert lost
    assert {p: m for p, m in told.items() if m} == {
        p: hidden(Part.PROPERTIES, codes) for p, codes in lost.items()
    }
    assert all(marks(each, Part.PROPERTIES) == [] for each in wide.values())


def test_attachments_without_content_or_with_a_bad_name(
    url: str, catalogue: OpenBisCatalogue
) -> None:
    kinds = (Kind.PROJECT, Kind.EXPERIMENT, Kind.SAMPLE)
    before = {kind: found(catalogue, kind, MADE.everything) for kind in kinds}
    holders = {
        (kind, perm_id): each
        for kind in kinds
        for perm_id, each in before[kind].items()
        if each.attachments
    }
    assert {kind for kind, _ in holders} == set(kinds)

    run(url, "delete from attachment_contents")
    for (kind, perm_id), held in holders.items():
        after = found(catalogue, kind, MADE.everything)[perm_id]
        versions = [v for attachment in after.attachments for v in attachment.versions]
        assert len(versions) == sum(len(each.versions) for each in held.attachments)
        assert {(v.length, v.sha256) for v in versions} == {(None, None)}
        (mark,) = after.unknown
        assert (mark.part, mark.reason) == (Part.ATTACHMENTS, Reason.UNREADABLE)
        assert f"{len(held.attachments)} file" in (mark.detail or "")

    run(url, "update attachments set file_name = 'bell' || chr(7) || id")
    for kind, perm_id in holders:
        after = found(catalogue, kind, MADE.everything)[perm_id]
        assert after.attachments == ()
        (mark,) = after.unknown
        assert (mark.part, mark.reason) == (Part.ATTACHMENTS, Reason.BAD_NAME)
        assert "'bell\\x07" in (mark.detail or "")


def mine(url: str) -> PermId:
    """A sample of ALPS."""
    query = "select perm_id from samples where id = <mine>".replace("<mine>", IN_ALPS)
    with connected_to(url) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return PermId(str(row[0]))
