"""The master data of the demo: every kind of definition and every data type."""

from __future__ import annotations

from datetime import UTC, datetime

from shared.model.ids import Code
from shared.model.kinds import Kind
from shared.model.master_data import (
    AddressType,
    DataType,
    EntityType,
    ExternalDms,
    FileFormatType,
    MasterData,
    Plugin,
    PluginType,
    PropertyAssignment,
    PropertyType,
    Term,
    Vocabulary,
)
from shared.store.shipped import SHIPPED

_DEFINED = datetime(2026, 3, 1, 8, 0, 0, tzinfo=UTC)
_AUTHOR = "flora"
# A picture of the file service, mentioned by the description of a type.
PICTURE = (
    "eln/4b/1d/77/4b1d7700-54a1-4b8e-9d0b-6f0e4a6d2c11/5a7c0e52-9c56-4f0c-8f6e-0d3b7a1f2e90.png"
)


def _property(code: str, data_type: DataType, label: str, **more: str) -> PropertyType:
    return PropertyType(
        code=Code(code),
        label=label,
        data_type=data_type,
        description=f"{label} of a specimen or an observation",
        registrator=_AUTHOR,
        registered=_DEFINED,
        vocabulary=Code(more["vocabulary"]) if "vocabulary" in more else None,
        material_type=Code(more["material_type"]) if "material_type" in more else None,
        sample_type=Code(more["sample_type"]) if "sample_type" in more else None,
        schema=more.get("schema"),
    )


_PROPERTY_TYPES = (
    _property("COUNTS", DataType.ARRAY_INTEGER, "Seed counts"),
    _property("COLLECTED_ON", DataType.DATE, "Collected on"),
    _property("DOSES", DataType.ARRAY_REAL, "Fertilizer doses"),
    _property("GERMINATES", DataType.BOOLEAN, "Germinates"),
    _property("GROWN_IN", DataType.MATERIAL, "Substrate", material_type="SUBSTRATE"),
    _property("HABITAT", DataType.CONTROLLEDVOCABULARY, "Habitat", vocabulary="HABITAT"),
    _property("HEIGHT", DataType.REAL, "Height in metres"),
    _property("LABELS", DataType.ARRAY_STRING, "Labels"),
    _property("LEAVES", DataType.INTEGER, "Leaves"),
    _property("MOTHER_PLANT", DataType.SAMPLE, "Mother plant", sample_type="PLANT"),
    _property("NOTES", DataType.MULTILINE_VARCHAR, "Notes"),
    _property("OBSERVED_AT", DataType.TIMESTAMP, "Observed at"),
    _property("REFERENCE", DataType.HYPERLINK, "Reference"),
    _property("SENSOR_SETTINGS", DataType.JSON, "Sensor settings"),
    _property("SHEET", DataType.XML, "Sheet", schema="<schema/>"),
    _property("SPECIES", DataType.VARCHAR, "Species"),
    _property("VISITS", DataType.ARRAY_TIMESTAMP, "Visits"),
    _property("AGE", DataType.INTEGER, "Age in days"),
)

_PLUGINS = (
    Plugin(
        name="age_in_days",
        type=PluginType.DYNAMIC_PROPERTY,
        entity_kinds=(Kind.SAMPLE,),
        description="days since the specimen was collected",
        script="def calculate():\n    return 3 if 1 < 2 and '&' else 4\n",
        registered=_DEFINED,
    ),
    Plugin(
        name="check_height",
        type=PluginType.ENTITY_VALIDATION,
        description="rejects plants higher than the greenhouse",
        script="def validate(entity, isNew):\n    return None\n",
        registered=_DEFINED,
    ),
    Plugin(
        name="observation_log",
        type=PluginType.MANAGED_PROPERTY,
        entity_kinds=(Kind.EXPERIMENT, Kind.DATA_SET),
        available=False,
        registered=_DEFINED,
    ),
)

_HABITAT = Vocabulary(
    code=Code("HABITAT"),
    description="where a plant grows",
    chosen_from_list=True,
    url_template="https://garden.example.org/habitats/${term}",
    registrator=_AUTHOR,
    registered=_DEFINED,
    modified=_DEFINED,
    terms=tuple(
        Term(
            code=Code(code),
            ordinal=ordinal,
            label=label,
            registrator=_AUTHOR,
            registered=_DEFINED,
        )
        for ordinal, (code, label) in enumerate(
            (("MEADOW", "Wet meadow"), ("ALPINE", "Above the tree line"), ("FOREST", None)), 1
        )
    ),
)


def _type(kind: Kind, code: str, description: str | None, *properties: str) -> EntityType:
    return EntityType(
        kind=kind,
        code=Code(code),
        description=description,
        modified=_DEFINED,
        assignments=tuple(
            PropertyAssignment(
                property_type=Code(name),
                ordinal=ordinal,
                section="General" if ordinal == 1 else None,
                plugin="age_in_days" if name == "AGE" else None,
                plugin_type=PluginType.DYNAMIC_PROPERTY if name == "AGE" else None,
                show_in_edit=name != "AGE",
                registered=_DEFINED,
            )
            for ordinal, name in enumerate(properties, start=1)
        ),
        listable=kind is Kind.SAMPLE,
        generated_code_prefix=code[:3] if kind is Kind.SAMPLE else None,
    )


_ENTITY_TYPES = (
    _type(
        *(Kind.SAMPLE, "PLANT", f'see <img src="/openbis/openbis/file-service/{PICTURE}">'),
        *("$NAME", "SPECIES", "HABITAT", "HEIGHT", "LEAVES", "GERMINATES", "COLLECTED_ON"),
        *("GROWN_IN", "MOTHER_PLANT", "NOTES", "COUNTS", "DOSES", "LABELS", "VISITS"),
        *("SENSOR_SETTINGS", "SHEET", "REFERENCE", "OBSERVED_AT", "AGE"),
    ),
    _type(Kind.SAMPLE, "SEED_TRAY", "a tray with wells", "$NAME"),
    _type(Kind.SAMPLE, "WELL", "a well of a seed tray", "SPECIES"),
    _type(Kind.EXPERIMENT, "GROWTH_TRIAL", "plants under observation", "$NAME", "NOTES"),
    _type(Kind.DATA_SET, "IMAGES", "photographs", "OBSERVED_AT", "NOTES"),
    _type(Kind.DATA_SET, "AFS_DATA", "files in the application file service"),
    _type(Kind.DATA_SET, "COLLECTION", "a container of data sets"),
    _type(Kind.DATA_SET, "EXTERNAL", "data kept elsewhere", "REFERENCE"),
    _type(Kind.MATERIAL, "SUBSTRATE", "what plants grow in", "REFERENCE"),
)

DEMO_MASTER_DATA = MasterData(
    file_format_types=(
        FileFormatType(code=Code("PNG"), description="pictures"),
        FileFormatType(code=Code("PROPRIETARY")),
    ),
    plugins=_PLUGINS,
    vocabularies=(*SHIPPED.vocabularies, _HABITAT),
    property_types=(*SHIPPED.property_types, *_PROPERTY_TYPES),
    entity_types=_ENTITY_TYPES,
    external_dms=(
        ExternalDms(
            code=Code("GARDEN_GIT"),
            address="git.garden.example.org:/srv/repositories",
            address_type=AddressType.FILE_SYSTEM,
            label="repositories of the garden",
        ),
        ExternalDms(
            code=Code("HERBARIUM"),
            address="https://herbarium.example.org/sheet/{code}",
            address_type=AddressType.URL,
            label="herbarium sheets",
        ),
    ),
)
