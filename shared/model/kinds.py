"""One table of facts about the kinds of entities, so that code serves all seven.

The facts come from openBIS's resource list, attribute by attribute (wire-format.md, 3.8, 3.9).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntFlag, StrEnum
from types import MappingProxyType


class Kind(StrEnum):
    """The ``kind`` attribute of ``x:xd``, in the order in which a resource list names them."""

    MATERIAL = "MATERIAL"
    SPACE = "SPACE"
    PROJECT = "PROJECT"
    EXPERIMENT = "EXPERIMENT"
    SAMPLE = "SAMPLE"
    DATA_SET = "DATA_SET"
    FILE = "FILE"


class Frozen(IntFlag):
    """Frozen flags. The ``FOR_`` flags forbid to add or remove related entities."""

    FROZEN = 1
    FOR_CHILDREN = 2
    FOR_PARENTS = 4
    FOR_COMPONENTS = 8
    FOR_CONTAINERS = 16
    FOR_DATA_SETS = 32
    FOR_SAMPLES = 64
    FOR_EXPERIMENTS = 128
    FOR_PROJECTS = 256


NOT_FROZEN = Frozen(0)


class DataSetKind(StrEnum):
    """Content of a data set: files of its own, other data sets, or copies in external systems."""

    PHYSICAL = "PHYSICAL"
    CONTAINER = "CONTAINER"
    LINK = "LINK"


class Relation(StrEnum):
    """The ``type`` of an ``x:connection``. Only downward edges exist."""

    CHILD = "Child"
    COMPONENT = "Component"


FLAG_NAMES: Mapping[Frozen, str] = MappingProxyType(
    {
        Frozen.FROZEN: "frozen",
        Frozen.FOR_CHILDREN: "frozenForChildren",
        Frozen.FOR_PARENTS: "frozenForParents",
        Frozen.FOR_COMPONENTS: "frozenForComponents",
        Frozen.FOR_CONTAINERS: "frozenForContainers",
        Frozen.FOR_DATA_SETS: "frozenForDataSets",
        Frozen.FOR_SAMPLES: "frozenForSamples",
        Frozen.FOR_EXPERIMENTS: "frozenForExperiments",
        Frozen.FOR_PROJECTS: "frozenForProjects",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class KindFacts:
    """Facts about one kind of entity."""

    # Attributes of ``x:xd`` in the order in which they are written, flags included.
    attributes: tuple[str, ...]
    flags: tuple[Frozen, ...] = ()
    relations: tuple[Relation, ...] = ()
    has_type: bool = False
    has_properties: bool = False
    has_attachments: bool = False
    has_meta_data: bool = False
    perm_id_is_code: bool = False


FACTS: Mapping[Kind, KindFacts] = MappingProxyType(
    {
        Kind.MATERIAL: KindFacts(
            attributes=("code", "kind", "registration-timestamp", "registrator", "type"),
            has_type=True,
            has_properties=True,
        ),
        Kind.SPACE: KindFacts(
            attributes=(
                *("code", "desc", "frozen", "frozenForProjects", "frozenForSamples", "kind"),
                *("registration-timestamp", "registrator"),
            ),
            flags=(Frozen.FROZEN, Frozen.FOR_PROJECTS, Frozen.FOR_SAMPLES),
            perm_id_is_code=True,
        ),
        Kind.PROJECT: KindFacts(
            attributes=(
                *("code", "desc", "frozen", "frozenForExperiments", "frozenForSamples", "kind"),
                *("modifier", "registration-timestamp", "registrator", "space"),
            ),
            flags=(Frozen.FROZEN, Frozen.FOR_EXPERIMENTS, Frozen.FOR_SAMPLES),
            has_attachments=True,
        ),
        Kind.EXPERIMENT: KindFacts(
            attributes=(
                *("code", "kind", "frozen", "frozenForSamples", "frozenForDataSets"),
                *("immutable-data-timestamp", "modifier", "project", "registration-timestamp"),
                *("registrator", "space", "type"),
            ),
            flags=(Frozen.FROZEN, Frozen.FOR_SAMPLES, Frozen.FOR_DATA_SETS),
            has_type=True,
            has_properties=True,
            has_attachments=True,
            has_meta_data=True,
        ),
        Kind.SAMPLE: KindFacts(
            attributes=(
                *("code", "frozen", "frozenForChildren", "frozenForParents"),
                *("frozenForComponents", "frozenForDataSets", "immutable-data-timestamp"),
                *("experiment", "kind", "modifier", "project", "registration-timestamp"),
                *("registrator", "space", "type"),
            ),
            flags=(
                *(Frozen.FROZEN, Frozen.FOR_CHILDREN, Frozen.FOR_PARENTS),
                *(Frozen.FOR_COMPONENTS, Frozen.FOR_DATA_SETS),
            ),
            relations=(Relation.CHILD, Relation.COMPONENT),
            has_type=True,
            has_properties=True,
            has_attachments=True,
            has_meta_data=True,
        ),
        Kind.DATA_SET: KindFacts(
            attributes=(
                *("code", "dsKind", "frozen", "frozenForChildren", "frozenForParents"),
                *("frozenForComponents", "frozenForContainers", "experiment", "kind", "modifier"),
                *("registration-timestamp", "registrator", "sample", "type"),
            ),
            flags=(
                *(Frozen.FROZEN, Frozen.FOR_CHILDREN, Frozen.FOR_PARENTS),
                *(Frozen.FOR_COMPONENTS, Frozen.FOR_CONTAINERS),
            ),
            relations=(Relation.CHILD, Relation.COMPONENT),
            has_type=True,
            has_properties=True,
            has_meta_data=True,
            perm_id_is_code=True,
        ),
    }
)

# All kinds with rows in the entity table, in the order of a resource list.
ENTITY_KINDS: tuple[Kind, ...] = tuple(FACTS)

ATTACHMENT_HOLDERS: tuple[Kind, ...] = tuple(k for k, f in FACTS.items() if f.has_attachments)
