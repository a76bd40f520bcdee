"""Translates the names of the source into those of the destination.

With a prefix, everything that is unique in an instance gets it: codes of spaces, types, type
groups, materials, shared samples, property types, vocabularies and external data management
systems, and names of plugins. Perm ids and data set codes are unique in the world and stay, as do
codes of projects, experiments and terms, which are unique in what holds them.

What openBIS itself ships (an internal property type or vocabulary, registered by ``system``) is the
same everywhere and keeps its name. Something internal that another user registered becomes an
ordinary definition: it loses its ``$``, even where no prefix is used. Entity types and type groups
have no ``$``; an internal one that gets a prefix becomes ordinary, too, with its assignments and
members.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from harvester.openbis.definition_codes import (
    collisions,
    dangling,
    defined_codes,
    is_shipped,
    with_bare_codes,
    with_prefix,
)
from shared.errors import ConflictError, ItemError
from shared.model.entities import ContentCopy, Entity
from shared.model.ids import Code, Identifier, PermId, material_perm_id
from shared.model.kinds import Kind
from shared.model.master_data import (
    DataType,
    EntityType,
    MasterData,
    PropertyType,
    Term,
    TypeGroup,
    TypeGroupMember,
    Vocabulary,
)
from shared.model.properties import PropertyValue, value_from, values_of
from shared.model.unknown import Part, Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The names of one list, made from its master data; translating an entity is a pure
    function."""

    # In upper case, as all codes of openBIS are; empty where nothing is prefixed.
    prefix: str
    # The destination's code of each property type that the list defines.
    properties: Mapping[str, Code]
    vocabularies: Mapping[str, Code]
    # Codes, in the source, of properties whose values name materials.
    material_properties: frozenset[str]
    _unchanged: bool = field(repr=False)

    @classmethod
    def of(cls, master_data: MasterData, prefix: str | None) -> Self:
        """Make the names. Raises `ConflictError` with all definitions that would get the same code,
        and all references to property types and vocabularies that the list does not define."""
        lead = (prefix or "").upper()
        properties = with_bare_codes(
            defined_codes(master_data.property_types, lead),
            (each.property_type for t in master_data.entity_types for each in t.assignments),
        )
        vocabularies = with_bare_codes(
            defined_codes(master_data.vocabularies, lead),
            (each.vocabulary for each in master_data.property_types),
        )
        reasons = [
            *collisions("property type", master_data.property_types, properties),
            *collisions("vocabulary", master_data.vocabularies, vocabularies),
            *dangling(master_data, properties, vocabularies),
        ]
        if reasons:
            raise ConflictError(reasons)
        named = [*properties.items(), *vocabularies.items()]
        return cls(
            prefix=lead,
            properties=properties,
            vocabularies=vocabularies,
            material_properties=frozenset(
                p.code for p in master_data.property_types if p.data_type is DataType.MATERIAL
            ),
            # Without a prefix, too, an internal definition of a user loses its ``$``.
            _unchanged=not lead and all(code == target for code, target in named),
        )

    def translate_master_data(self, master_data: MasterData) -> MasterData:
        if self._unchanged:
            return master_data
        return replace(
            master_data,
            plugins=tuple(replace(p, name=self._prefixed(p.name)) for p in master_data.plugins),
            vocabularies=tuple(map(self._vocabulary, master_data.vocabularies)),
            property_types=tuple(map(self._property_type, master_data.property_types)),
            entity_types=tuple(map(self._entity_type, master_data.entity_types)),
            external_dms=tuple(
                replace(d, code=Code(self._prefixed(d.code))) for d in master_data.external_dms
            ),
            type_groups=tuple(map(self._type_group, master_data.type_groups)),
        )

    def translate_entity(self, entity: Entity) -> Entity:
        """Translate an entity; the same object if nothing changes. Raises `ItemError` if it has a
        property that the list's master data does not define."""
        if not entity.properties.keys() <= self.properties.keys():
            unknown = min(entity.properties.keys() - self.properties.keys())
            reason = f"property {unknown} is not defined in the list's master data"
            raise ItemError(entity.kind, entity.perm_id, reason)
        if self._unchanged:
            return entity
        changes: dict[str, Any] = {}
        values = self._values(entity.properties)
        if values != entity.properties:
            changes["properties"] = values
        if entity.unknown:
            changes["unknown"] = tuple(map(self._mark, entity.unknown))
        if self.prefix:
            changes |= self._place(entity)
        return replace(entity, **changes) if changes else entity

    def type_code(self, code: Code) -> Code:
        """The destination's code of an entity type."""
        return Code(self._prefixed(code))

    def _place(self, entity: Entity) -> dict[str, Any]:
        """Translate the places of an entity: all that the prefix changes besides properties."""
        changes: dict[str, Any] = {
            name: Code(self._prefixed(code))
            for name, code in (("type", entity.type), ("space", entity.space))
            if code
        }
        match entity.kind:
            case Kind.SPACE:
                code = self._prefixed(entity.code)
                changes |= {"code": Code(code), "perm_id": PermId(code)}
            case Kind.MATERIAL:
                code = self._prefixed(entity.code)
                type_code = self._prefixed(entity.type or "")
                changes |= {"code": Code(code), "perm_id": material_perm_id(code, type_code)}
            case Kind.SAMPLE if not entity.space:
                changes["code"] = Code(self._shared(entity.code))
        if entity.experiment:
            changes["experiment"] = self.identifier(entity.experiment)
        if entity.sample:
            changes["sample"] = self.identifier(entity.sample)
        if entity.content_copies:
            changes["content_copies"] = tuple(map(self._copy, entity.content_copies))
        return changes

    def identifier(self, identifier: Identifier) -> Identifier:
        """``/SPACE/...`` with the space's new code; ``/CODE`` with that of the shared sample."""
        first, slash, rest = identifier.removeprefix("/").partition("/")
        named = self._prefixed(first) if slash else self._shared(first)
        return Identifier(f"/{named}{slash}{rest}")

    def _shared(self, code: str) -> str:
        """The code of a shared sample, also of the form ``CONTAINER:CODE``."""
        return ":".join(map(self._prefixed, code.split(":")))

    def _values(self, values: Mapping[str, PropertyValue]) -> dict[str, PropertyValue]:
        return {
            self.properties[code]: (
                self._materials(value) if code in self.material_properties else value
            )
            for code, value in values.items()
        }

    def _materials(self, value: PropertyValue) -> PropertyValue:
        return value_from([self._material(each) for each in values_of(value)])

    def _material(self, value: str) -> str:
        """``CODE (TYPE)``, both with the prefix. Any other value is returned unchanged."""
        code, opening, type_code = value.removesuffix(")").rpartition(" (")
        if not (self.prefix and opening and code and type_code and value.endswith(")")):
            return value
        return material_perm_id(self._prefixed(code), self._prefixed(type_code))

    def _mark(self, mark: Unknown) -> Unknown:
        """Mark property codes that cannot be shown; other details of the mark are texts for
        people."""
        if mark.part is not Part.PROPERTIES or not mark.detail:
            return mark
        codes = (self.properties.get(Code(code), code) for code in mark.detail.split())
        return replace(mark, detail=" ".join(codes))

    def _copy(self, copy: ContentCopy) -> ContentCopy:
        return replace(copy, external_dms=Code(self._prefixed(copy.external_dms)))

    def _vocabulary(self, defined: Vocabulary) -> Vocabulary:
        def term(each: Term) -> Term:
            return replace(each, internal=each.internal and is_shipped(defined))

        return replace(
            defined,
            code=self.vocabularies[defined.code],
            internal=is_shipped(defined),
            terms=tuple(map(term, defined.terms)),
        )

    def _property_type(self, defined: PropertyType) -> PropertyType:
        return replace(
            defined,
            code=self.properties[defined.code],
            internal=is_shipped(defined),
            vocabulary=defined.vocabulary and self.vocabularies[defined.vocabulary],
            material_type=self._code(defined.material_type),
            sample_type=self._code(defined.sample_type),
        )

    def _entity_type(self, entity_type: EntityType) -> EntityType:
        return replace(
            entity_type,
            code=Code(self._prefixed(entity_type.code)),
            validation_plugin=self._code(entity_type.validation_plugin),
            internal=entity_type.internal and not self.prefix,
            assignments=tuple(
                replace(
                    assignment,
                    property_type=self.properties[assignment.property_type],
                    plugin=self._code(assignment.plugin),
                    internal=assignment.internal and not self.prefix,
                )
                for assignment in entity_type.assignments
            ),
        )

    def _type_group(self, group: TypeGroup) -> TypeGroup:
        def member(each: TypeGroupMember) -> TypeGroupMember:
            return TypeGroupMember(
                sample_type=Code(self._prefixed(each.sample_type)),
                internal=each.internal and not self.prefix,
            )

        return replace(
            group,
            code=Code(self._prefixed(group.code)),
            internal=group.internal and not self.prefix,
            members=tuple(map(member, group.members)),
        )

    def _code(self, code: str | None) -> Code | None:
        return Code(self._prefixed(code)) if code else None

    def _prefixed(self, name: str) -> str:
        return with_prefix(name, self.prefix)
