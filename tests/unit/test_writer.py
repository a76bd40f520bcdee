"""Entries of entities, byte for byte, from the tables (wire-format.md, 3.1 to 3.8)."""

from __future__ import annotations

import pytest

from shared.model.entities import (
    Attachment,
    AttachmentVersion,
    Connection,
    Entity,
)
from shared.model.ids import Code, Identifier, PermId
from shared.model.kinds import ENTITY_KINDS, FACTS, DataSetKind, Frozen, Kind, Relation
from tests.support.instances.builders import (
    MODIFIED,
    a_material,
    a_project,
    a_sample,
    a_space,
    an_attachment,
    an_experiment,
)
from tests.support.instances.resource_lists import AT, DOWNLOADS, SERVER, content, entry_of

STAMPS = 'registration-timestamp="2024-01-10T09:00:00Z" registrator="mira"'


def test_a_material_is_named_by_type_and_code() -> None:
    entry = entry_of(a_material(code="SALT", type=Code("REAGENT")))
    assert entry == (
        f"<url><loc>{SERVER}/MATERIAL/REAGENT/SALT/M</loc><lastmod>2024-02-03T12:00:00Z</lastmod>"
        f'<rs:ln href="{SERVER}#action=VIEW&amp;entity=MATERIAL&amp;code=SALT&amp;type=REAGENT"'
        ' rel="describes"/>'
        f'<x:xd code="SALT" kind="MATERIAL" {STAMPS} type="REAGENT"/></url>'
    )


def test_a_space_with_all_it_can_have() -> None:
    frozen = Frozen.FROZEN | Frozen.FOR_PROJECTS | Frozen.FOR_SAMPLES
    space = a_space("ALPHA", description="first floor", frozen=frozen)
    assert content(entry_of(space), "SPACE", "ALPHA") == (
        '<x:xd code="ALPHA" desc="first floor" frozen="true" frozenForProjects="true"'
        f' frozenForSamples="true" kind="SPACE" {STAMPS}/>'
    )


def test_a_project_with_all_it_can_have() -> None:
    with_content = AttachmentVersion(version=2, sha256="ab" * 32)
    project = a_project(
        perm_id=PermId("P-1"),
        description="brewing",
        frozen=Frozen.FROZEN | Frozen.FOR_EXPERIMENTS | Frozen.FOR_SAMPLES,
        modifier="otto",
        attachments=(an_attachment("plan & more.txt", with_content),),
    )
    assert content(entry_of(project), "PROJECT", "P-1") == (
        '<x:xd code="KITCHEN" desc="brewing" frozen="true" frozenForExperiments="true"'
        f' frozenForSamples="true" kind="PROJECT" modifier="otto" {STAMPS} space="ALPHA">'
        '<x:binaryData><x:attachment fileName="plan &amp; more.txt" latestVersion="2"'
        f' permLink="{SERVER}/index.html?viewMode=SIMPLE#action=DOWNLOAD_ATTACHMENT'
        "&amp;file=plan%20%26%20more.txt&amp;version=2&amp;entity=PROJECT&amp;code=KITCHEN"
        '&amp;space=ALPHA"><x:version number="2"'
        f' checksum="SHA256:{"ab" * 32}"'
        f' href="{DOWNLOADS}/attachments/PROJECT/P-1/plan%20%26%20more.txt?version=2"/>'
        "</x:attachment></x:binaryData></x:xd>"
    )


def test_an_experiment_with_all_it_can_have() -> None:
    experiment = an_experiment(
        perm_id=PermId("E-1"),
        code="TRIAL-1",
        frozen=Frozen.FROZEN | Frozen.FOR_SAMPLES | Frozen.FOR_DATA_SETS,
        modifier="otto",
        properties={"$NAME": "First trial", "EMPTY": ""},
        attachments=(full_attachment(),),
    )
    assert content(entry_of(experiment), "EXPERIMENT", "E-1") == (
        '<x:xd code="TRIAL-1" kind="EXPERIMENT" frozen="true" frozenForSamples="true"'
        f' frozenForDataSets="true" modifier="otto" project="KITCHEN" {STAMPS} space="ALPHA"'
        ' type="A_EXPERIMENT_TYPE"><x:properties>'
        "<x:property><x:code>$NAME</x:code><x:value>First trial</x:value></x:property>"
        "<x:property><x:code>EMPTY</x:code><x:value/></x:property></x:properties>"
        f"<x:binaryData>{full_attachment_element('EXPERIMENT', 'E-1')}</x:binaryData></x:xd>"
    )


def full_attachment() -> Attachment:
    """Its first version was harvested without content, so there is nothing to link to."""
    first = AttachmentVersion(version=1, title="Old")
    second = AttachmentVersion(
        version=2,
        title="Taste",
        description="taste sheet",
        registrator="otto",
        registered=AT,
        length=11,
        sha256="ab" * 32,
    )
    return an_attachment("taste.txt", first, second)


def full_attachment_element(kind: str, perm_id: str) -> str:
    return (
        '<x:attachment description="taste sheet" fileName="taste.txt" latestVersion="2"'
        f' permLink="{SERVER}/index.html?viewMode=SIMPLE#action=DOWNLOAD_ATTACHMENT'
        f'&amp;file=taste.txt&amp;version=2&amp;entity={kind}&amp;permId={perm_id}" title="Taste">'
        '<x:version number="1" title="Old"/>'
        '<x:version number="2" title="Taste" description="taste sheet" registrator="otto"'
        ' registration-timestamp="2024-03-05T09:14:07Z" length="11"'
        f' checksum="SHA256:{"ab" * 32}"'
        f' href="{DOWNLOADS}/attachments/{kind}/{perm_id}/taste.txt?version=2"/>'
        "</x:attachment>"
    )


def test_a_sample_with_all_it_can_have() -> None:
    flags = (Frozen.FOR_CHILDREN, Frozen.FOR_PARENTS, Frozen.FOR_COMPONENTS, Frozen.FOR_DATA_SETS)
    sample = a_sample(
        perm_id=PermId("S-1"),
        code="BRW1",
        frozen=Frozen.FROZEN | sum(flags),
        experiment=Identifier("/ALPHA/KITCHEN/TRIAL-1"),
        project=Code("KITCHEN"),
        modifier="otto",
        properties={"PH": "4.75"},
        connections=(
            Connection(relation=Relation.COMPONENT, to=PermId("S-3")),
            Connection(relation=Relation.CHILD, to=PermId("S-2")),
        ),
        attachments=(full_attachment(),),
    )
    entry = entry_of(sample, [Code("D-1"), Code("D-2")])
    assert content(entry, "SAMPLE", "S-1") == (
        '<x:xd code="BRW1" frozen="true" frozenForChildren="true" frozenForParents="true"'
        ' frozenForComponents="true" frozenForDataSets="true"'
        ' experiment="/ALPHA/KITCHEN/TRIAL-1" kind="SAMPLE" modifier="otto" project="KITCHEN"'
        f' {STAMPS} space="ALPHA" type="A_SAMPLE_TYPE"><x:properties>'
        "<x:property><x:code>PH</x:code><x:value>4.75</x:value></x:property></x:properties>"
        '<x:connections><x:connection to="D-1" type="Connection"/>'
        '<x:connection to="D-2" type="Connection"/><x:connection to="S-2" type="Child"/>'
        '<x:connection to="S-3" type="Component"/></x:connections>'
        f"<x:binaryData>{full_attachment_element('SAMPLE', 'S-1')}</x:binaryData></x:xd>"
    )


def test_a_shared_sample_has_neither_space_nor_children() -> None:
    sample = a_sample(perm_id=PermId("S-1"), code="SHELF", space=None)
    assert content(entry_of(sample), "SAMPLE", "S-1") == (
        f'<x:xd code="SHELF" kind="SAMPLE" {STAMPS} type="A_SAMPLE_TYPE"/>'
    )


def test_a_registrator_is_never_left_out() -> None:
    entry = entry_of(a_space("ALPHA", registrator=None))
    assert 'registrator="system"' in entry


def test_what_a_kind_does_not_have_is_not_written() -> None:
    space = a_space(
        "ALPHA",
        modifier="otto",
        type=Code("A_TYPE"),
        frozen=Frozen.FOR_CHILDREN,
        properties={"PH": "4.75"},
        connections=(Connection(relation=Relation.CHILD, to=PermId("S-2")),),
        attachments=(an_attachment(),),
    )
    assert content(entry_of(space), "SPACE", "ALPHA") == (
        f'<x:xd code="ALPHA" kind="SPACE" {STAMPS}/>'
    )


@pytest.mark.parametrize("kind", ENTITY_KINDS)
def test_every_attribute_of_the_table_of_kinds_can_be_written(kind: Kind) -> None:
    whole = Entity(
        kind=kind,
        perm_id=PermId("X-1"),
        code=Code("X-1"),
        registered=MODIFIED,
        modified=MODIFIED,
        modifier="otto",
        type=Code("A_TYPE"),
        space=Code("ALPHA"),
        project=Code("KITCHEN"),
        experiment=Identifier("/A/B/C"),
        sample=Identifier("/A/B/D"),
        description="words",
        frozen=Frozen(sum(Frozen)),
        data_set_kind=DataSetKind.CONTAINER,
        immutable_since=MODIFIED,
    )
    element = entry_of(whole).partition("<x:xd ")[2]
    written = [part.rpartition(" ")[2] for part in element.split('="')[:-1]]
    assert written == list(FACTS[kind].attributes)
