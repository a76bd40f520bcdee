"""Writes the entry of the master data (wire-format.md, 3.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TypeVar

from shared.errors import ItemError
from shared.model.kinds import Kind
from shared.model.master_data import (
    SYSTEM_USER,
    DataType,
    EntityType,
    ExternalDms,
    FileFormatType,
    MasterData,
    Plugin,
    PropertyAssignment,
    PropertyType,
    Term,
    Vocabulary,
)
from shared.resourcesync.addresses import Addresses
from shared.resourcesync.escaping import UnwritableTextError, attribute, escaped_text, script
from shared.resourcesync.timestamps import format_timestamp, optional_timestamp
from shared.resourcesync.v20.natural_order import natural_key
from shared.resourcesync.v20.terms import (
    MASTER_DATA_PATH,
    PLUGIN_KINDS,
    SAMPLE_TYPE_FLAGS,
    TYPE_ELEMENTS,
)

_Item = TypeVar("_Item")


def master_data_entry(addresses: Addresses, master_data: MasterData, at: datetime) -> str:
    """The ``url`` element; ItemError, with a kind such as PROPERTY_TYPE, if a text holds what XML
    cannot. ``at`` is the list's own."""
    blocks = (
        _block("fileFormatTypes", _sorted_by_code(master_data.file_format_types), _file_format),
        _block(
            "validationPlugins",
            sorted(master_data.plugins, key=lambda plugin: natural_key(plugin.name)),
            _plugin,
        ),
        _block(
            "controlledVocabularies",
            sorted(master_data.vocabularies, key=lambda each: natural_key(each.code)),
            _vocabulary,
        ),
        _block(
            "propertyTypes",
            sorted(master_data.property_types, key=lambda each: natural_key(each.code)),
            _property_type,
        ),
        *(
            _block(f"{element}s", master_data.types_of(kind), _entity_type)
            for kind, element in TYPE_ELEMENTS.items()
        ),
        _block("externalDataManagementSystems", master_data.external_dms, _external_dms),
    )
    server = escaped_text(addresses.server_url, "server URL")
    content = "".join(blocks)
    element = f"<xmd:masterData>{content}</xmd:masterData>" if content else "<xmd:masterData/>"
    return (
        f"<url><loc>{server}/{MASTER_DATA_PATH}</loc>"
        f"<lastmod>{format_timestamp(at)}</lastmod>{element}</url>"
    )


def _sorted_by_code(items: Iterable[FileFormatType]) -> list[FileFormatType]:
    return sorted(items, key=lambda each: each.code)


def _block(name: str, items: Iterable[_Item], write: Callable[[_Item], str]) -> str:
    """The block; nothing if it has no members, as in the original."""
    content = "".join(map(write, items))
    return f"<xmd:{name}>{content}</xmd:{name}>" if content else ""


def _element(kind: str, code: str, name: str, attributes: dict[str, str | None]) -> str:
    """``<xmd:name a="..."``, still open."""
    try:
        return f"<xmd:{name}{''.join(attribute(*each) for each in attributes.items())}"
    except UnwritableTextError as error:
        raise ItemError(kind, code, str(error)) from error


def _closed(opened: str, name: str, content: str) -> str:
    return f"{opened}>{content}</xmd:{name}>" if content else f"{opened}/>"


def _truth(value: bool) -> str:  # noqa: FBT001 - the value is what is written
    return "true" if value else "false"


def _file_format(each: FileFormatType) -> str:
    attributes = {"code": each.code, "description": each.description}
    return _element("FILE_FORMAT_TYPE", each.code, "fileFormatType", attributes) + "/>"


def _plugin(each: Plugin) -> str:
    attributes = {
        "description": each.description,
        "entityKind": ", ".join(each.entity_kinds or PLUGIN_KINDS),
        "isAvailable": _truth(each.available),
        "name": each.name,
        "type": each.type.value,
        "registration-timestamp": optional_timestamp(each.registered),
        # The original repeats the time of registration here (wire-format.md, 7).
        "modification-timestamp": optional_timestamp(each.registered),
    }
    opened = _element("PLUGIN", each.name, "validationPlugin", attributes)
    try:
        return _closed(opened, "validationPlugin", script(each.script or "", "script"))
    except UnwritableTextError as error:
        raise ItemError("PLUGIN", each.name, str(error)) from error


def _definition_code(each: Vocabulary | PropertyType) -> str:
    """The code of a definition, without the ``$`` of internal ones (wire-format.md, 3.4)."""
    return each.code.removeprefix("$") if each.internal else each.code


def _vocabulary(each: Vocabulary) -> str:
    attributes = {
        "chosenFromList": _truth(each.chosen_from_list),
        "code": _definition_code(each),
        "description": each.description,
        "managedInternally": _truth(each.internal),
        "urlTemplate": each.url_template,
        "registration-timestamp": optional_timestamp(each.registered),
        "registrator": each.registrator or SYSTEM_USER,
        "modification-timestamp": optional_timestamp(each.modified),
    }
    terms = sorted(each.terms, key=lambda term: natural_key(term.code))
    opened = _element("VOCABULARY", each.code, "controlledVocabulary", attributes)
    return _closed(opened, "controlledVocabulary", "".join(_term(each, term) for term in terms))


def _term(vocabulary: Vocabulary, each: Term) -> str:
    attributes = {
        "code": each.code,
        "description": each.description,
        "label": each.label,
        "ordinal": str(each.ordinal),
        "registration-timestamp": optional_timestamp(each.registered),
        "registrator": each.registrator or SYSTEM_USER,
        "url": _term_url(vocabulary.url_template, each),
    }
    return _element("TERM", f"{vocabulary.code}/{each.code}", "term", attributes) + "/>"


def _term_url(template: str | None, term: Term) -> str | None:
    """With the code of the term; the original's version 2 puts the vocabulary's code there."""
    if not template:
        return None
    return template.replace("${term}", term.code).replace("$term$", term.code)


def _property_type(each: PropertyType) -> str:
    attributes = {
        "code": _definition_code(each),
        "dataType": each.data_type.value,
        "description": each.description or "",
        "label": each.label,
        "managedInternally": _truth(each.internal),
        "registration-timestamp": optional_timestamp(each.registered),
        "registrator": each.registrator or SYSTEM_USER,
    }
    match each.data_type:
        case DataType.CONTROLLEDVOCABULARY:
            attributes["vocabulary"] = each.vocabulary
        case DataType.MATERIAL:
            attributes["material"] = each.material_type or ""
        case DataType.SAMPLE:
            attributes["sampleType"] = each.sample_type
        case _:
            pass
    extras = {"schema": each.schema, "transformation": each.transformation}
    return _element("PROPERTY_TYPE", each.code, "propertyType", attributes | extras) + "/>"


def _entity_type(each: EntityType) -> str:
    name = TYPE_ELEMENTS[each.kind]
    kind = f"{each.kind.value}_TYPE"
    attributes = {
        "code": each.code,
        "description": each.description,
        **_own_attributes(each),
        "validationPlugin": each.validation_plugin,
        "modification-timestamp": optional_timestamp(each.modified),
    }
    assignments = sorted(each.assignments, key=lambda assignment: assignment.ordinal)
    content = "".join(_assignment(kind, each.code, assignment) for assignment in assignments)
    return _closed(
        _element(kind, each.code, name, attributes),
        name,
        _closed("<xmd:propertyAssignments", "propertyAssignments", content),
    )


def _own_attributes(each: EntityType) -> dict[str, str | None]:
    """Attributes that only types of this kind have."""
    match each.kind:
        case Kind.SAMPLE:
            flags = {
                name: _truth(getattr(each, field)) for name, field in SAMPLE_TYPE_FLAGS.items()
            }
            first = flags.pop("autoGeneratedCode")
            prefix = each.generated_code_prefix
            return {"autoGeneratedCode": first, "generatedCodePrefix": prefix, **flags}
        case Kind.DATA_SET:
            return {
                "deletionDisallowed": _truth(each.deletion_disallowed),
                "mainDataSetPath": each.main_data_set_path,
                "mainDataSetPattern": each.main_data_set_pattern,
            }
        case _:
            return {}


def _assignment(kind: str, type_code: str, each: PropertyAssignment) -> str:
    attributes = {
        "mandatory": _truth(each.mandatory),
        "ordinal": str(each.ordinal),
        "plugin": each.plugin,
        "pluginType": each.plugin_type and each.plugin_type.value,
        "propertyTypeCode": each.property_type,
        "section": each.section,
        "showInEdit": _truth(each.show_in_edit),
        "showRawValueInForms": _truth(each.show_raw_value),
        "registration-timestamp": optional_timestamp(each.registered),
        "unique": "true" if each.unique else None,
    }
    name = f"{type_code}/{each.property_type}"
    return _element(f"{kind}_ASSIGNMENT", name, "propertyAssignment", attributes) + "/>"


def _external_dms(each: ExternalDms) -> str:
    attributes = {
        "address": each.address,
        "addressType": each.address_type.value,
        "code": each.code,
        "label": each.label,
    }
    return _element("EXTERNAL_DMS", each.code, "externalDataManagementSystem", attributes) + "/>"
