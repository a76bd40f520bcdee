"""The destination's codes of property types and vocabularies, and why a list has none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from shared.model.ids import Code
from shared.model.master_data import SYSTEM_USER, MasterData, PropertyType, Vocabulary

Defined = PropertyType | Vocabulary


def with_prefix(name: str, prefix: str) -> str:
    """The prefix comes behind a leading ``$``."""
    return f"${prefix}{name[1:]}" if name.startswith("$") else prefix + name


def is_shipped(defined: Defined) -> bool:
    return defined.internal and defined.registrator == SYSTEM_USER


def defined_codes(definitions: Iterable[Defined], prefix: str) -> dict[str, Code]:
    return {defined.code: _defined_code(defined, prefix) for defined in definitions}


def _defined_code(defined: Defined, prefix: str) -> Code:
    if is_shipped(defined):
        return defined.code
    code = defined.code.removeprefix("$") if defined.internal else defined.code
    return Code(with_prefix(code, prefix))


def with_bare_codes(codes: Mapping[str, Code], referred: Iterable[str | None]) -> dict[str, Code]:
    """The codes, and those of internal definitions also without their ``$``, where a reference has
    it so and means no other definition: newer versions of openBIS show internal codes bare."""
    bare = {
        code: codes[f"${code}"]
        for code in referred
        if code and code not in codes and f"${code}" in codes
    }
    return {**codes, **bare}


def collisions(
    kind: str, definitions: Iterable[Defined], names: Mapping[str, Code]
) -> Iterable[str]:
    sources: dict[Code, list[Defined]] = defaultdict(list)
    for defined in definitions:
        sources[names[defined.code]].append(defined)
    for target, group in sorted(sources.items()):
        if len(group) > 1:
            found = ", ".join(f"{d.code} of {d.registrator or 'an unknown user'}" for d in group)
            yield f"{kind} {target}: {found} get the same code; rename one of them on the source"


def dangling(
    master_data: MasterData, properties: Mapping[str, Code], vocabularies: Mapping[str, Code]
) -> Iterable[str]:
    """References within the master data to what they do not contain."""
    for defined in master_data.property_types:
        if defined.vocabulary and defined.vocabulary not in vocabularies:
            yield (
                f"property type {defined.code}: its vocabulary {defined.vocabulary} is not "
                "defined in the list's master data"
            )
    for entity_type in master_data.entity_types:
        for assignment in entity_type.assignments:
            if assignment.property_type not in properties:
                yield (
                    f"{entity_type.kind} type {entity_type.code}: its property type "
                    f"{assignment.property_type} is not defined in the list's master data"
                )
