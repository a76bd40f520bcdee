"""Writes the entry of the master data (wire-format.md, 3.3)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from shared.errors import ItemError
from shared.model.master_data import (
    SYSTEM_USER,
    DataType,
    ExternalDms,
    FileFormatType,
    MasterData,
    Plugin,
    PropertyType,
    Term,
    Vocabulary,
)
from shared.resourcesync.addresses import Addresses
from shared.resourcesync.escaping import UnwritableTextError, escaped_text, script
from shared.resourcesync.timestamps import format_timestamp, optional_timestamp
from shared.resourcesync.v20.elements import block, closed, only_if_true, opened, truth
from shared.resourcesync.v20.entity_type_writer import entity_type_element
from shared.resourcesync.v20.meta_data_writer import meta_data_block
from shared.resourcesync.v20.natural_order import natural_key
from shared.resourcesync.v20.terms import MASTER_DATA_PATH, PLUGIN_KINDS, TYPE_ELEMENTS
from shared.resourcesync.v20.type_group_writer import type_groups_block


def master_data_entry(addresses: Addresses, master_data: MasterData, at: datetime) -> str:
    """The ``url`` element; ItemError, with a kind such as PROPERTY_TYPE, if a text holds what XML
    cannot. ``at`` is the list's own."""
    blocks = (
        block("fileFormatTypes", _sorted_by_code(master_data.file_format_types), _file_format),
        block(
            "validationPlugins",
            sorted(master_data.plugins, key=lambda plugin: natural_key(plugin.name)),
            _plugin,
        ),
        block(
            "controlledVocabularies",
            sorted(master_data.vocabularies, key=lambda each: natural_key(each.code)),
            _vocabulary,
        ),
        block(
            "propertyTypes",
            sorted(master_data.property_types, key=lambda each: natural_key(each.code)),
            _property_type,
        ),
        *(
            block(f"{element}s", master_data.types_of(kind), entity_type_element)
            for kind, element in TYPE_ELEMENTS.items()
        ),
        block("externalDataManagementSystems", master_data.external_dms, _external_dms),
        type_groups_block(master_data.type_groups, whole=master_data.type_groups_are_whole),
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


def _file_format(each: FileFormatType) -> str:
    attributes = {"code": each.code, "description": each.description}
    return opened("FILE_FORMAT_TYPE", each.code, "fileFormatType", attributes) + "/>"


def _plugin(each: Plugin) -> str:
    attributes = {
        "description": each.description,
        "entityKind": ", ".join(each.entity_kinds or PLUGIN_KINDS),
        "isAvailable": truth(each.available),
        "name": each.name,
        "type": each.type.value,
        "registration-timestamp": optional_timestamp(each.registered),
        # The original repeats the time of registration here (wire-format.md, 7).
        "modification-timestamp": optional_timestamp(each.registered),
    }
    begun = opened("PLUGIN", each.name, "validationPlugin", attributes)
    try:
        return closed(begun, "validationPlugin", script(each.script or "", "script"))
    except UnwritableTextError as error:
        raise ItemError("PLUGIN", each.name, str(error)) from error


def _definition_code(each: Vocabulary | PropertyType) -> str:
    """The code of a definition, without the ``$`` of internal ones (wire-format.md, 3.4)."""
    return each.code.removeprefix("$") if each.internal else each.code


def _vocabulary(each: Vocabulary) -> str:
    attributes = {
        "chosenFromList": truth(each.chosen_from_list),
        "code": _definition_code(each),
        "description": each.description,
        "managedInternally": truth(each.internal),
        "urlTemplate": each.url_template,
        "registration-timestamp": optional_timestamp(each.registered),
        "registrator": each.registrator or SYSTEM_USER,
        "modification-timestamp": optional_timestamp(each.modified),
    }
    terms = sorted(each.terms, key=lambda term: natural_key(term.code))
    begun = opened("VOCABULARY", each.code, "controlledVocabulary", attributes)
    return closed(begun, "controlledVocabulary", "".join(_term(each, term) for term in terms))


def _term(vocabulary: Vocabulary, each: Term) -> str:
    attributes = {
        "code": each.code,
        "description": each.description,
        "label": each.label,
        "ordinal": str(each.ordinal),
        "registration-timestamp": optional_timestamp(each.registered),
        "registrator": each.registrator or SYSTEM_USER,
        "url": _term_url(vocabulary.url_template, each),
        "managedInternally": only_if_true(each.internal),
    }
    return opened("TERM", f"{vocabulary.code}/{each.code}", "term", attributes) + "/>"


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
        "managedInternally": truth(each.internal),
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
    extras = {
        "schema": each.schema,
        "transformation": each.transformation,
        "multiValue": None if each.multi_value is None else truth(each.multi_value),
    }
    return closed(
        opened("PROPERTY_TYPE", each.code, "propertyType", attributes | extras),
        "propertyType",
        meta_data_block(each.meta_data, "PROPERTY_TYPE", each.code),
    )


def _external_dms(each: ExternalDms) -> str:
    attributes = {
        "address": each.address,
        "addressType": each.address_type.value,
        "code": each.code,
        "label": each.label,
    }
    return opened("EXTERNAL_DMS", each.code, "externalDataManagementSystem", attributes) + "/>"
