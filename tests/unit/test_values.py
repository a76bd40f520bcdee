"""Values of which a list creates millions: `shared.model.values`."""

from __future__ import annotations

import gc
import pickle
from dataclasses import asdict, fields, replace

import pytest

from shared.model.entities import AttachmentVersion, Connection, Entity, FileNode
from shared.model.ids import PermId
from shared.model.kinds import Relation
from shared.model.unknown import Part, Reason, Unknown
from tests.support.instances.builders import a_sample


def an_edge(to: str = "1") -> Connection:
    return Connection(relation=Relation.CHILD, to=PermId(to))


@pytest.mark.parametrize(
    ("one", "name"),
    [
        (an_edge(), "to"),
        (a_sample(), "code"),
        (FileNode(path="a", length=1), "href"),
        (Unknown(part=Part.FILES, reason=Reason.OTHER), "detail"),
    ],
)
def test_a_value_is_frozen_when_the_program_runs(one: object, name: str) -> None:
    before = getattr(one, name)
    with pytest.raises(AttributeError):
        setattr(one, name, "other")
    with pytest.raises(AttributeError):
        one.invented = 1  # type: ignore[attr-defined]
    assert getattr(one, name) == before


def test_values_are_made_by_the_names_of_their_fields() -> None:
    with pytest.raises(TypeError):
        Connection(Relation.CHILD, PermId("1"))  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        Connection(relation=Relation.CHILD)  # type: ignore[call-arg]
    assert repr(an_edge()) == f"Connection(relation={Relation.CHILD!r}, to='1')"


def test_equal_values_have_equal_hashes() -> None:
    assert an_edge() == an_edge() != an_edge("2")
    assert len({an_edge(), an_edge(), an_edge("2")}) == 2


def test_where_a_content_is_served_is_not_compared() -> None:
    here, there = (FileNode(path="a", length=1, href=href) for href in ("x", "y"))
    assert here == there
    assert hash(here) == hash(there)
    assert here != FileNode(path="a", length=2, href="x")
    assert AttachmentVersion(version=1, href="x") == AttachmentVersion(version=1)


def test_dataclasses_know_the_values() -> None:
    moved = replace(an_edge(), to=PermId("2"))
    assert moved == an_edge("2")
    assert [one.name for one in fields(Connection)] == ["relation", "to"]
    assert asdict(moved) == {"relation": Relation.CHILD, "to": "2"}


def test_no_two_entities_share_their_properties() -> None:
    one, other = (
        Entity(
            kind=e.kind,
            perm_id=e.perm_id,
            code=e.code,
            registered=e.registered,
            modified=e.modified,
        )
        for e in (a_sample(), a_sample())
    )
    assert one == other
    assert one.properties == {}
    assert one.properties is not other.properties


def test_values_can_be_matched_and_pickled() -> None:
    match an_edge():
        case Connection(to=to):
            assert to == "1"
    entity = a_sample()
    assert pickle.loads(pickle.dumps(entity)) == entity  # noqa: S301 - our own
    assert Entity.__module__ == "shared.model.entities"
    assert (Entity.__doc__ or "").startswith("One value serves all kinds")


def test_the_garbage_collector_does_not_look_at_values() -> None:
    assert not gc.is_tracked(a_sample())
