"""The internal master data that openBIS itself registers in every new instance.

Read from fresh servers of schemas 154 to 192 (openbis-database.md, 1), with the plate geometry of
older ones. Definitions of plugins such as ELN-LIMS are not included: see the option
``--internal-master-data`` of ``harvester init``. Types and file formats are not included either:
they are ordinary definitions, and come with the first harvest.
"""

from __future__ import annotations

from shared.model.ids import Code
from shared.model.master_data import (
    SYSTEM_USER,
    DataType,
    MasterData,
    PropertyType,
    Term,
    Vocabulary,
)


def _vocabulary(code: str, description: str, *terms: str) -> Vocabulary:
    return Vocabulary(
        code=Code(code),
        description=description,
        internal=True,
        registrator=SYSTEM_USER,
        terms=tuple(
            Term(code=Code(term), ordinal=ordinal, registrator=SYSTEM_USER)
            for ordinal, term in enumerate(terms, start=1)
        ),
    )


def _property_type(
    code: str, data_type: DataType, label: str, description: str, vocabulary: str | None = None
) -> PropertyType:
    return PropertyType(
        code=Code(code),
        label=label,
        data_type=data_type,
        description=description,
        internal=True,
        vocabulary=Code(vocabulary) if vocabulary else None,
        registrator=SYSTEM_USER,
    )


SHIPPED = MasterData(
    vocabularies=(
        _vocabulary("$PLATE_GEOMETRY", "The geometry or dimensions of a plate"),
        _vocabulary(
            "$STORAGE_FORMAT",
            "The on-disk storage format of a data set",
            "PROPRIETARY",
            "BDS_DIRECTORY",
        ),
    ),
    property_types=(
        _property_type("$NAME", DataType.VARCHAR, "Name", "Name"),
        _property_type(
            "$PLATE_GEOMETRY",
            DataType.CONTROLLEDVOCABULARY,
            "Plate Geometry",
            "Plate Geometry",
            "$PLATE_GEOMETRY",
        ),
        _property_type(
            "$SEARCH_QUERY.CUSTOM_DATA",
            DataType.XML,
            "Custom data",
            "Additional data in custom format",
        ),
        _property_type(
            "$SEARCH_QUERY.FETCH_OPTIONS", DataType.XML, "Fetch options", "V3 API fetch options"
        ),
        _property_type(
            "$SEARCH_QUERY.SEARCH_CRITERIA",
            DataType.XML,
            "Search criteria",
            "V3 API search criteria",
        ),
    ),
)
