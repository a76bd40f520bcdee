"""The definitions of the made instance: types, properties, vocabularies, plugins, systems."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.support.openbis_made.rows import Rows, Value

SCALARS = (
    *("VARCHAR", "MULTILINE_VARCHAR", "INTEGER", "REAL", "BOOLEAN", "TIMESTAMP", "XML"),
    *("HYPERLINK", "MATERIAL", "CONTROLLEDVOCABULARY"),
)
LATER = {"SAMPLE": 179, "DATE": 183}
ARRAYS = ("ARRAY_INTEGER", "ARRAY_REAL", "ARRAY_STRING", "ARRAY_TIMESTAMP", "JSON")
# With the schema that brought them.
DATA_TYPES: Mapping[str, int] = dict.fromkeys(SCALARS, 0) | LATER | dict.fromkeys(ARRAYS, 191)

LAST_WITH_MATERIALS = 209


def last_with(data_type: str) -> int:
    """The last schema with a data type."""
    return LAST_WITH_MATERIALS if data_type == "MATERIAL" else 999


MULTI_VALUED = "KEYWORDS"
FIRST_MULTI_VALUED = 193
FIRST_WITH_AFS = 197

# Property types with their data types, at least one of each.
PROPERTIES: Mapping[str, str] = {
    "$NAME": "VARCHAR",
    "$GEOMETRY": "CONTROLLEDVOCABULARY",
    "$MADE_ON": "DATE",
    "$REFERENCE": "SAMPLE",
    "NOTES": "MULTILINE_VARCHAR",
    "DEPTH": "INTEGER",
    "WEIGHT": "REAL",
    "IS_FROZEN": "BOOLEAN",
    "SEEN_AT": "TIMESTAMP",
    "SHEET": "XML",
    "PAGE": "HYPERLINK",
    "MATTER": "MATERIAL",
    "SALT_USED": "MATERIAL",
    "COLOUR": "CONTROLLEDVOCABULARY",
    "COUNTS": "ARRAY_INTEGER",
    "DOSES": "ARRAY_REAL",
    "WORDS": "ARRAY_STRING",
    "MOMENTS": "ARRAY_TIMESTAMP",
    "SETTINGS": "JSON",
}

# By type and property type.
PATTERNS: Mapping[tuple[str, str], Mapping[str, Value]] = {
    (type_code, name): {"pattern": pattern, "pattern_type": kind, "pattern_regex": regex}
    for type_code, name, kind, pattern, regex in (
        ("JAR", "NOTES", "PATTERN", "[a-z].*", "^[a-z].*$"),
        ("RAW", "NOTES", "VALUES", '"a", "b, c"', "^(a|b, c)$"),
        ("SERIES", "DEPTH", "RANGES", "1-10, 20-30", "^.*$"),
    )
}

GEOMETRIES = ("96_WELLS_8X12", "384_WELLS_16X24")
COLOURS = ("BLUE", "GREY:DARK", "WHITE", "TEAL")
_KINDS = {
    "sample": "saty_id",
    "experiment": "exty_id",
    "data_set": "dsty_id",
    "material": "maty_id",
}


@dataclass(slots=True)
class Definitions:
    """The ids of what was defined, by code."""

    types: dict[tuple[str, str], int] = field(default_factory=dict)
    terms: dict[str, int] = field(default_factory=dict)
    properties: dict[str, int] = field(default_factory=dict)
    assignments: dict[tuple[str, str, str], int] = field(default_factory=dict)
    plugins: dict[str, int] = field(default_factory=dict)
    systems: dict[str, int] = field(default_factory=dict)
    relations: dict[str, int] = field(default_factory=dict)


def define(rows: Rows) -> Definitions:
    found = Definitions()
    for code in ("PARENT_CHILD", "CONTAINER_COMPONENT", "PLATE_CONTROL_LAYOUT"):
        found.relations[code] = rows.add("relationship_types", code=code)
    for code, description in (("TXT", "plain text"), ("H5", None)):
        rows.add("file_format_types", code=code, description=description)
    _plugins(rows, found)
    _types(rows, found)
    vocabularies = _vocabularies(rows, found)
    _property_types(rows, found, vocabularies)
    _assign(rows, found)
    _systems(rows, found)
    return found


def _plugins(rows: Rows, found: Definitions) -> None:
    for name, kind, entity_kind, plugin_type, script in (
        ("age", "DYNAMIC_PROPERTY", "SAMPLE", "JYTHON", "def calculate():\n  return 1 < 2"),
        ("history", "MANAGED_PROPERTY", "DATA_SET", "JYTHON", "def configureUI():\n  pass"),
        ("isComplete", "ENTITY_VALIDATION", None, "JYTHON", "def validate(e, isNew):\n  pass"),
        ("shipped", "ENTITY_VALIDATION", "EXPERIMENT", "PREDEPLOYED", None),
    ):
        found.plugins[name] = rows.add(
            "scripts",
            name=name,
            script_type=kind,
            entity_kind=entity_kind,
            plugin_type=plugin_type,
            script=script,
            description=f"the plugin {name}",
            is_available=True,
        )


def _types(rows: Rows, found: Definitions) -> None:
    for code, listable, prefix in (("PLATE", True, "P"), ("WELL", False, "W"), ("JAR", True, "J")):
        found.types["sample", code] = rows.add(
            "sample_types",
            code=code,
            description=f"a {code.lower()}",
            is_listable=listable,
            generated_from_depth=1,
            part_of_depth=int(code == "WELL"),
            is_auto_generated_code=False,
            generated_code_prefix=prefix,
            is_subcode_unique=False,
            show_parent_metadata=False,
            validation_script_id=found.plugins["isComplete"] if code == "PLATE" else None,
            is_managed_internally=code == "WELL",
            meta_data='{"colour": "green", "a": "<b>"}' if code == "PLATE" else None,
        )
    for code in ("SERIES", "SURVEY"):
        found.types["experiment", code] = rows.add(
            "experiment_types",
            code=code,
            validation_script_id=found.plugins["shipped"],
            meta_data='{"view": "list"}' if code == "SURVEY" else "{}",
        )
    for code, kind in (("RAW", "PHYSICAL"), ("BASKET", "CONTAINER"), ("POINTER", "LINK")):
        found.types["data_set", code] = rows.add(
            "data_set_types",
            code=code,
            description=f"data of the kind {kind}",
            data_set_kind=kind,
            main_ds_path="original" if code == "RAW" else None,
            main_ds_pattern=r".*\.txt" if code == "RAW" else None,
            deletion_disallow=code == "RAW",
        )
    found.types["data_set", "AFS_DATA"] = rows.add(
        "data_set_types",
        FIRST_WITH_AFS,
        code="AFS_DATA",
        description="files of the application file service",
        deletion_disallow=True,
        is_managed_internally=True,
    )
    for code in ("SALT", "STONE", "GRAIN"):
        found.types["material", code] = rows.add("material_types", code=code)


def _vocabularies(rows: Rows, found: Definitions) -> dict[str, int]:
    ids = {}
    for code, internal, terms in (("GEOMETRY", True, GEOMETRIES), ("COLOUR", False, COLOURS)):
        ids[code] = rows.add(
            "controlled_vocabularies",
            code=code,
            description=f"every {code.lower()}",
            is_internal_namespace=internal,
            is_managed_internally=internal,
            is_chosen_from_list=True,
            source_uri=None if internal else "https://terms.example.org/${term}",
            pers_id_registerer=_registrator(internal),
        )
        for ordinal, term in enumerate(terms, start=1):
            found.terms[term] = rows.add(
                "controlled_vocabulary_terms",
                covo_id=ids[code],
                code=term,
                ordinal=ordinal,
                label=term.capitalize() if ordinal > 1 else None,
                pers_id_registerer=_registrator(internal),
                description=f"term {ordinal}",
                is_managed_internally=internal and ordinal == 1,
            )
    return ids


def _registrator(internal: bool) -> int:  # noqa: FBT001 - it is a column
    """The user ``system`` makes what is internal."""
    return 1 if internal else 2


def _property_types(rows: Rows, found: Definitions, vocabularies: dict[str, int]) -> None:
    data_types = {
        code: rows.add("data_types", since, last_with(code), code=code)
        for code, since in DATA_TYPES.items()
    }
    for name, data_type in PROPERTIES.items():
        code, internal = name.removeprefix("$"), name.startswith("$")
        of_material = found.types["material", "SALT"] if name == "SALT_USED" else None
        found.properties[name] = rows.add(
            "property_types",
            DATA_TYPES[data_type],
            last_with(data_type),
            code=code,
            label=code.capitalize(),
            description=f"what {code} means",
            daty_id=data_types[data_type],
            covo_id=vocabularies.get(code),
            maty_prop_id=of_material,
            saty_prop_id=found.types["sample", "PLATE"] if name == "$REFERENCE" else None,
            is_internal_namespace=internal,
            # version 184 merged both columns: until then a name could have just the namespace
            is_managed_internally=internal and name != "$NAME",
            pers_id_registerer=_registrator(internal),
            meta_data='{"custom_widget": "Word Processor"}' if name == "NOTES" else None,
        )
    found.properties[MULTI_VALUED] = rows.add(
        "property_types",
        FIRST_MULTI_VALUED,
        code=MULTI_VALUED,
        label="Keywords",
        description="words to find it by",
        daty_id=data_types["VARCHAR"],
        is_multi_value=True,
        is_managed_internally=False,
    )


def _assign(rows: Rows, found: Definitions) -> None:
    """The plates have every property, everything else some."""
    plain = ("$NAME", "NOTES", "DEPTH", "COLOUR", "MATTER")
    for kind, code in found.types:
        if code == "AFS_DATA":
            continue
        assigned = tuple(PROPERTIES) if code == "PLATE" else plain
        for ordinal, name in enumerate(assigned, start=1):
            values: dict[str, Value] = {
                _KINDS[kind]: found.types[kind, code],
                "prty_id": found.properties[name],
                "ordinal": ordinal,
                "is_mandatory": False,
                "section": "General" if ordinal == 1 else None,
                "is_shown_edit": True,
                "show_raw_value": name == "SHEET",
                "script_id": found.plugins["age"] if (code, name) == ("JAR", "DEPTH") else None,
                # the flag of old schemas means something else than that of schema 196
                "is_managed_internally": name == "$NAME",
                "is_managed_internally_namespace": (code, name) == ("WELL", "$NAME"),
                **PATTERNS.get((code, name), {}),
            }
            found.assignments[kind, code, name] = rows.add(
                f"{kind}_type_property_types",
                DATA_TYPES[PROPERTIES[name]],
                last_with(PROPERTIES[name]),
                **values,
            )
    found.assignments["sample", "JAR", MULTI_VALUED] = rows.add(
        "sample_type_property_types",
        FIRST_MULTI_VALUED,
        saty_id=found.types["sample", "JAR"],
        prty_id=found.properties[MULTI_VALUED],
        ordinal=len(plain) + 1,
        is_mandatory=False,
        is_shown_edit=True,
        show_raw_value=False,
    )


def _systems(rows: Rows, found: Definitions) -> None:
    for code, kind, address in (
        ("ARCHIVE", "URL", "https://archive.example.org/${code}"),
        ("NEIGHBOUR", "OPENBIS", "https://neighbour.example.org/${code}"),
        ("SHELF", "FILE_SYSTEM", "shelf:/srv/repositories"),
    ):
        found.systems[code] = rows.add(
            "external_data_management_systems",
            158 if kind == "FILE_SYSTEM" else 0,
            code=code,
            label=f"the {code.lower()}",
            url_template=address,
            is_openbis=kind == "OPENBIS",
            address=address,
            address_type=kind,
        )
