"""The master data of openBIS 7's lists: only what the entities of a list refer to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from xml.sax.saxutils import escape, quoteattr

from tests.support.openbis7.faults import Faults
from tests.support.openbis7.lab import Defined, Lab, Thing, TypeOf

_ELEMENTS = {"SAMPLE": "objectType", "EXPERIMENT": "collectionType", "DATASET": "dataSetType"}
_TIME = "2026-01-04T08:00:05Z"


def master_data(lab: Lab, things: Iterable[Thing], faults: Faults) -> str:
    types = list(_needed(lab, things, faults))
    if not types:
        return "<xmd:masterData/>"
    codes = {code for one in types for code in one.properties}
    defined = [lab.defined[code] for code in sorted(codes)]
    vocabularies = sorted({one.vocabulary for one in defined if one.vocabulary})
    parts = [
        _block("controlledVocabularies", (_vocabulary(lab, code, faults) for code in vocabularies)),
        _block("propertyTypes", (_property_type(one, faults) for one in defined)),
        *(
            _block(f"{element}s", (_type(element, one) for one in types if one.kind == kind))
            for kind, element in _ELEMENTS.items()
        ),
        _block("typeGroups", _groups(types)),
    ]
    return f"<xmd:masterData>{''.join(parts)}</xmd:masterData>"


def _needed(lab: Lab, things: Iterable[Thing], faults: Faults) -> Iterator[TypeOf]:
    """The types of the entities, and those that SAMPLE properties of these name, transitively."""
    things = list(things)
    wanted = {(thing.kind, thing.type) for thing in things if thing.type}
    if faults.afs_data_sets and any(thing.afs is not None for thing in things):
        wanted.add(("DATASET", "AFS_DATA"))
    while True:
        types = [one for one in lab.types if (one.kind, one.code) in wanted]
        named = {
            ("SAMPLE", sample_type)
            for one in types
            for code in one.properties
            if (sample_type := lab.defined[code].sample_type)
        }
        if named <= wanted:
            yield from types
            return
        wanted |= named


def _block(name: str, members: Iterable[str]) -> str:
    content = "".join(members)
    return f"<xmd:{name}>{content}</xmd:{name}>" if content else ""


def _internal(code: str, faults: Faults) -> str:
    """Code and internal flag of a definition."""
    shown = code if faults.dollar_in_definitions else code.removeprefix("$")
    internal = "true" if code.startswith("$") else "false"
    return f'code={quoteattr(shown)} managedInternally="{internal}"'


def _meta_data(entries: Mapping[str, str]) -> str:
    if not entries:
        return "<xmd:metaData/>"
    content = "".join(
        f"<xmd:entry key={quoteattr(key)}>{escape(text)}</xmd:entry>"
        for key, text in sorted(entries.items())
    )
    return f"<xmd:metaData>{content}</xmd:metaData>"


def _vocabulary(lab: Lab, code: str, faults: Faults) -> str:
    terms = "".join(
        f'<xmd:term code={quoteattr(term)} ordinal="{number}" registrator="mira"'
        f' registration-timestamp="{_TIME}"/>'
        for number, term in enumerate(lab.vocabularies[code], 1)
    )
    return (
        f'<xmd:controlledVocabulary {_internal(code, faults)} chosenFromList="true"'
        f' registrator="{_registrator(code)}" registration-timestamp="{_TIME}"'
        f' modification-timestamp="{_TIME}">{terms}</xmd:controlledVocabulary>'
    )


def _property_type(one: Defined, faults: Faults) -> str:
    vocabulary = f" vocabulary={quoteattr(one.vocabulary)}" if one.vocabulary else ""
    return (
        f"<xmd:propertyType {_internal(one.code, faults)} dataType={quoteattr(one.data_type)}"
        f" label={quoteattr(one.code.strip('$').capitalize())}{vocabulary}"
        f' multiValue="{str(one.multi_value).lower()}" registration-timestamp="{_TIME}"'
        f' registrator="{_registrator(one.code)}">{_meta_data(one.meta_data)}</xmd:propertyType>'
    )


def _registrator(code: str) -> str:
    return "system" if code.startswith("$") else "mira"


def _type(element: str, one: TypeOf) -> str:
    assignments = "".join(
        f'<xmd:propertyAssignment mandatory="false" unique="false" ordinal="{number}"'
        f' propertyTypeCode={quoteattr(code)} showInEdit="true" showRawValueInForms="false"'
        f' registration-timestamp="{_TIME}"/>'
        for number, code in enumerate(one.properties, 1)
    )
    block = f"<xmd:propertyAssignments>{assignments}</xmd:propertyAssignments>"
    return (
        f'<xmd:{element} code={quoteattr(one.code)} modification-timestamp="{_TIME}">'
        f"{_meta_data(one.meta_data)}{block if assignments else ''}</xmd:{element}>"
    )


def _groups(types: Iterable[TypeOf]) -> Iterator[str]:
    members: dict[str, list[str]] = {}
    for one in types:
        if one.group:
            members.setdefault(one.group, []).append(one.code)
    for group, codes in members.items():
        listed = "".join(
            f'<xmd:typeGroupAssignment objectTypeCode={quoteattr(code)} managedInternally="false"/>'
            for code in codes
        )
        yield (
            f'<xmd:typeGroup code={quoteattr(group)} managedInternally="false" registrator="mira"'
            f' registration-timestamp="{_TIME}" modification-timestamp="{_TIME}"><xmd:metaData/>'
            f"<xmd:typeGroupAssignments>{listed}</xmd:typeGroupAssignments></xmd:typeGroup>"
        )
