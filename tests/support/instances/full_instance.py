"""A small invented instance that has everything: each kind, relation and file that a list shows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from shared.model.entities import Connection, ContentCopy, Entity, ServiceFile
from shared.model.ids import Code, Identifier, PermId
from shared.model.kinds import DataSetKind, Frozen, Kind, Relation
from shared.model.master_data import (
    SYSTEM_USER,
    AddressType,
    DataType,
    ExternalDms,
    FileFormatType,
    MasterData,
    PatternType,
)
from tests.support.instances.builders import (
    a_data_set,
    a_material,
    a_plugin,
    a_project,
    a_property_type,
    a_sample,
    a_service_file,
    a_space,
    a_term,
    a_type_group,
    a_vocabulary,
    an_assignment,
    an_entity_type,
    an_experiment,
    perm_id,
    some_master_data,
)
from tests.support.instances.instance import Instance

HOME = Code("KITCHEN")
TRIAL = Identifier("/ALPHA/KITCHEN/EXPERIMENT-3")
WELL = Identifier("/ALPHA/PLATE-A:A01")
PICTURE = '<img src="/openbis/openbis/file-service/eln/a picture.png">'
HELLO, DIGITS, BIG = b"hello world", b"123456789", b"0123456789abcdef" * 4096


def connected(relation: Relation, *targets: PermId) -> tuple[Connection, ...]:
    return tuple(Connection(relation=relation, to=target) for target in targets)


def full_master_data() -> MasterData:
    """Ordinary definitions of every sort, and some that openBIS itself ships."""
    plain = some_master_data()
    sample_type = an_entity_type(
        Kind.SAMPLE,
        an_assignment("$NAME", 1),
        an_assignment("NOTES", 2, pattern="[a-z].*", pattern_type=PatternType.PATTERN),
        an_assignment("SOLVENT", 3, mandatory=True),
        an_assignment("FLOUR", 4, plugin="age", section="Dry"),
        an_assignment("FRIEND", 5),
        validation_plugin="check_ph",
        meta_data={"origin": "invented"},
    )
    others = tuple(t for t in plain.entity_types if t.kind is not Kind.SAMPLE)
    return replace(
        plain,
        file_format_types=(FileFormatType(code=Code("TXT"), description="a text"),),
        plugins=(a_plugin(script="a < b"), a_plugin("age")),
        vocabularies=(
            a_vocabulary("SOLVENT", a_term("WATER"), a_term("OIL", 2, label="Olive oil")),
            a_vocabulary(
                "$STORAGE_FORMAT",
                a_term("PROPRIETARY", registrator=SYSTEM_USER),
                a_term("OUR_OWN", 9),
                registrator=SYSTEM_USER,
            ),
        ),
        property_types=(
            *plain.property_types,
            a_property_type("$NAME", registrator=SYSTEM_USER),
            a_property_type(
                "SOLVENT", data_type=DataType.CONTROLLEDVOCABULARY, vocabulary=Code("SOLVENT")
            ),
            a_property_type("FLOUR", data_type=DataType.MATERIAL, meta_data={"unit": "g"}),
            a_property_type("FRIEND", data_type=DataType.SAMPLE, multi_value=True),
        ),
        entity_types=(*others, sample_type),
        external_dms=(
            ExternalDms(
                code=Code("GIT"), address="host:/repo", address_type=AddressType.FILE_SYSTEM
            ),
        ),
        type_groups=(
            a_type_group("EMPTY", meta_data={}),
            a_type_group("FERMENTS", "A_SAMPLE_TYPE", meta_data={"colour": "green"}),
        ),
    )


@dataclass(slots=True, kw_only=True)
class FullInstance:
    """The values that were put into an instance, by what they are."""

    alpha: Entity
    beta: Entity
    project: Entity
    cellar: Entity
    trial: Entity
    brew: Entity
    child: Entity
    plates: list[Entity]
    wells: list[Entity]
    shared: Entity
    flour: Entity
    raw: Entity
    of_well: Entity
    container: Entity
    link: Entity
    picture: ServiceFile
    everything: list[Entity] = field(default_factory=list)


def a_full_instance(instance: Instance) -> FullInstance:
    """Fill an instance; its user sees all of it."""
    full_instance = _full_instance(instance)
    full_instance.everything = [
        *(
            full_instance.flour,
            full_instance.alpha,
            full_instance.beta,
            full_instance.project,
            full_instance.cellar,
        ),
        *(
            full_instance.trial,
            full_instance.brew,
            full_instance.child,
            *full_instance.plates,
            *full_instance.wells,
        ),
        *(
            full_instance.shared,
            full_instance.raw,
            full_instance.of_well,
            full_instance.container,
            full_instance.link,
        ),
    ]
    instance.load(full_master_data(), *full_instance.everything, full_instance.picture)
    instance.add_user()
    return full_instance


def _full_instance(instance: Instance) -> FullInstance:
    plan = instance.put_attachment("plan.txt", b"first plan", b"second plan")
    taste = instance.put_attachment("taste & smell.txt", b"sour")
    raw, of_well = perm_id(50), perm_id(51)
    return FullInstance(
        alpha=a_space(description="a < b", frozen=Frozen.FROZEN | Frozen.FOR_PROJECTS),
        beta=a_space("BETA"),
        project=a_project(attachments=(plan,), frozen=Frozen.FROZEN),
        cellar=a_project(12, code="CELLAR", space=Code("BETA"), description="cool"),
        trial=an_experiment(3, properties={"NOTES": PICTURE}, modifier="otto"),
        brew=a_sample(
            4,
            project=HOME,
            experiment=TRIAL,
            properties={
                "$NAME": "Brew & co",
                "SOLVENT": "OIL",
                "FLOUR": "MATERIAL-6 (A_MATERIAL_TYPE)",
                "FRIEND": perm_id(45),
            },
            connections=connected(Relation.CHILD, perm_id(41)),
            attachments=(plan, taste),
            frozen=Frozen.FROZEN | Frozen.FOR_CHILDREN,
        ),
        child=a_sample(41, project=HOME, properties={"NOTES": "line 1\r\nline 2 \t "}),
        plates=[
            a_sample(42, code="PLATE-A", connections=connected(Relation.COMPONENT, perm_id(421))),
            a_sample(43, code="PLATE-B", connections=connected(Relation.COMPONENT, perm_id(431))),
        ],
        wells=[a_sample(421, code="A01"), a_sample(431, code="A01")],
        shared=a_sample(45, code="SALT", space=None),
        flour=a_material(6, properties={"NOTES": "fine"}),
        raw=a_data_set(
            50,
            experiment=TRIAL,
            files=(
                instance.put_file(raw, "original/digits + 1%.txt", DIGITS),
                instance.put_file(raw, "original/run/hello.txt", HELLO),
            ),
            connections=connected(Relation.CHILD, of_well),
            properties={"NOTES": "raw"},
            frozen=Frozen.FROZEN,
        ),
        of_well=a_data_set(
            51, sample=WELL, files=(instance.put_file(of_well, "original/big.bin", BIG),)
        ),
        container=a_data_set(
            52,
            experiment=TRIAL,
            data_set_kind=DataSetKind.CONTAINER,
            connections=connected(Relation.COMPONENT, of_well, raw),
        ),
        link=a_data_set(
            53,
            experiment=TRIAL,
            data_set_kind=DataSetKind.LINK,
            content_copies=(
                ContentCopy(
                    external_dms=Code("GIT"), path="/a b", git_commit_hash="12ab", id="copy-1"
                ),
            ),
        ),
        picture=a_service_file("eln/a picture.png", b"picture"),
    )
