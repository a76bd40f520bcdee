"""Reads the master data of a list; a definition that cannot be read is a fault of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from lxml.etree import _Element

from shared.errors import FormatError
from shared.model.ids import Code
from shared.model.kinds import Kind
from shared.model.master_data import (
    AddressType,
    DataType,
    ExternalDms,
    FileFormatType,
    MasterData,
    Plugin,
    PluginType,
    PropertyType,
    Term,
    Vocabulary,
)
from shared.resourcesync.attributes import (
    BLANKS,
    Attributes,
    UnreadableError,
    attributes_of,
    choice,
    exact_truth,
    moment,
    needed,
    number,
    optional_code,
    truth,
    verbatim,
    word,
)
from shared.resourcesync.faults import Faults
from shared.resourcesync.items import ListItem
from shared.resourcesync.names import name_of
from shared.resourcesync.v20.entity_type_reader import read_entity_type
from shared.resourcesync.v20.meta_data_reader import read_meta_data
from shared.resourcesync.v20.terms import PLUGIN_KINDS, TYPE_ELEMENTS
from shared.resourcesync.v20.type_group_reader import groups_are_whole, read_type_groups

_ANY_KIND = "All"
_KINDS: Mapping[str, Kind] = {kind.value: kind for kind in PLUGIN_KINDS}


def read_master_data(loc: str, element: _Element | None) -> Iterator[ListItem]:
    """Yield the master data, then the faults of definitions that could not be read."""
    if element is None:
        raise FormatError(f"the entry {loc} has no xmd:masterData; repair it at the source")
    members = _members(element)
    faults = Faults()

    def of(name: str) -> list[_Element]:
        return members.get(f"xmd:{name}", [])

    yield MasterData(
        file_format_types=faults.readable(
            of("fileFormatType"), "FILE_FORMAT_TYPE", _file_format, _code
        ),
        plugins=faults.readable(of("validationPlugin"), "PLUGIN", _plugin, _plugin_name),
        vocabularies=faults.readable(
            of("controlledVocabulary"), "VOCABULARY", partial(_vocabulary, faults), _business_code
        ),
        property_types=faults.readable(
            of("propertyType"), "PROPERTY_TYPE", _property_type, _business_code
        ),
        entity_types=tuple(
            entity_type
            for kind, name in TYPE_ELEMENTS.items()
            for entity_type in faults.readable(
                of(name), f"{kind.value}_TYPE", partial(read_entity_type, faults, kind), _code
            )
        ),
        external_dms=faults.readable(
            of("externalDataManagementSystem"), "EXTERNAL_DMS", _external_dms, _code
        ),
        type_groups=read_type_groups(faults, of("typeGroup")),
        type_groups_are_whole=groups_are_whole(element),
    )
    yield from faults.found


def _members(master_data: _Element) -> dict[str, list[_Element]]:
    """The members of all blocks by name: a block that comes twice is read as one."""
    members: dict[str, list[_Element]] = {}
    for block in master_data:
        for member in block:
            members.setdefault(name_of(member), []).append(member)
    return members


def _code(attributes: Attributes) -> str:
    return word(attributes, "code") or ""


def _plugin_name(attributes: Attributes) -> str:
    return word(attributes, "name") or ""


def _business_code(attributes: Attributes) -> str:
    """The code of a definition; internal ones lack the ``$`` that references have (wire-format.md,
    3.4)."""
    code = _code(attributes)
    internal = truth(attributes, "managedInternally")
    return f"${code.removeprefix('$')}" if internal and code else code


def _needed_business_code(attributes: Attributes) -> Code:
    needed(attributes, "code")
    return Code(_business_code(attributes))


def _file_format(element: _Element) -> FileFormatType:
    attributes = attributes_of(element)
    return FileFormatType(
        code=Code(needed(attributes, "code")), description=verbatim(attributes, "description")
    )


def _plugin(element: _Element) -> Plugin:
    attributes = attributes_of(element)
    script = element.text or ""
    return Plugin(
        name=needed(attributes, "name"),
        type=choice(attributes, "type", PluginType),
        entity_kinds=_entity_kinds(attributes),
        description=verbatim(attributes, "description"),
        script=script if script.strip(BLANKS) else None,
        available=truth(attributes, "isAvailable", absent=True),
        registered=moment(attributes, "registration-timestamp"),
    )


def _entity_kinds(attributes: Attributes) -> tuple[Kind, ...]:
    """Empty if all four are named: then the plugin serves every kind."""
    text = word(attributes, "entityKind") or _ANY_KIND
    names = [name.strip() for name in text.split(",")]
    if _ANY_KIND in names or set(names) == set(_KINDS):
        return ()
    unknown = [name for name in names if name not in _KINDS]
    if unknown:
        raise UnreadableError(f"the attribute entityKind names {', '.join(map(repr, unknown))}")
    return tuple(_KINDS[name] for name in names)


def _vocabulary(faults: Faults, element: _Element) -> Vocabulary:
    attributes = attributes_of(element)
    code = _needed_business_code(attributes)
    terms = [child for child in element if name_of(child) == "xmd:term"]
    return Vocabulary(
        code=code,
        description=verbatim(attributes, "description"),
        internal=truth(attributes, "managedInternally"),
        chosen_from_list=truth(attributes, "chosenFromList"),
        url_template=word(attributes, "urlTemplate"),
        registrator=word(attributes, "registrator"),
        registered=moment(attributes, "registration-timestamp"),
        modified=moment(attributes, "modification-timestamp"),
        terms=faults.readable(terms, "TERM", _term, lambda each: f"{code}/{_code(each)}"),
    )


def _term(element: _Element) -> Term:
    """Without the ``url``: it follows from the vocabulary's template, and the original's is
    wrong."""
    attributes = attributes_of(element)
    return Term(
        code=Code(needed(attributes, "code")),
        ordinal=number(attributes, "ordinal"),
        label=verbatim(attributes, "label"),
        description=verbatim(attributes, "description"),
        registrator=word(attributes, "registrator"),
        registered=moment(attributes, "registration-timestamp"),
        internal=truth(attributes, "managedInternally"),
    )


def _property_type(element: _Element) -> PropertyType:
    attributes = attributes_of(element)
    data_type = choice(attributes, "dataType", DataType)
    if data_type is DataType.CONTROLLEDVOCABULARY:
        needed(attributes, "vocabulary")
    return PropertyType(
        code=_needed_business_code(attributes),
        label=attributes.get("label", ""),
        data_type=data_type,
        description=verbatim(attributes, "description"),
        internal=truth(attributes, "managedInternally"),
        vocabulary=optional_code(attributes, "vocabulary"),
        material_type=optional_code(attributes, "material"),
        sample_type=optional_code(attributes, "sampleType"),
        schema=verbatim(attributes, "schema"),
        transformation=verbatim(attributes, "transformation"),
        registrator=word(attributes, "registrator"),
        registered=moment(attributes, "registration-timestamp"),
        multi_value=exact_truth(attributes, "multiValue"),
        meta_data=read_meta_data(element),
    )


def _external_dms(element: _Element) -> ExternalDms:
    attributes = attributes_of(element)
    return ExternalDms(
        code=Code(needed(attributes, "code")),
        address=attributes.get("address", ""),
        address_type=choice(attributes, "addressType", AddressType),
        label=verbatim(attributes, "label"),
    )
