"""The kinds of roots by which lists of openBIS 7 are asked for (openbis-7-sync.md, 2.2)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from shared.model.kinds import Kind


class RootKind(StrEnum):
    """The kind of a root, in the words of openBIS's exporter."""

    SPACE = "SPACE"
    PROJECT = "PROJECT"
    EXPERIMENT = "EXPERIMENT"
    SAMPLE = "SAMPLE"
    DATASET = "DATASET"
    SAMPLE_TYPE = "SAMPLE_TYPE"
    EXPERIMENT_TYPE = "EXPERIMENT_TYPE"
    DATASET_TYPE = "DATASET_TYPE"
    VOCABULARY_TYPE = "VOCABULARY_TYPE"
    TYPE_GROUP = "TYPE_GROUP"


# How lists name the kinds of entities; the other kinds are definitions.
ENTITY_ROOTS: Mapping[RootKind, Kind] = MappingProxyType(
    {
        RootKind.SPACE: Kind.SPACE,
        RootKind.PROJECT: Kind.PROJECT,
        RootKind.EXPERIMENT: Kind.EXPERIMENT,
        RootKind.SAMPLE: Kind.SAMPLE,
        RootKind.DATASET: Kind.DATA_SET,
    }
)
