"""The contacts of a section: who gets mails about it, and where its web hook is.

A section with faults has contacts, too, as far as they can be read, since mostly its fault is in
another key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from harvester.settings.section import SectionSettings
from shared.settings.model import Given
from shared.settings.values import Address, Url

_address: TypeAdapter[str] = TypeAdapter(Address)
_url: TypeAdapter[str] = TypeAdapter(Url)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contacts:
    """``alias`` is the section's; ``hooks`` are URLs, which may hold a secret."""

    alias: str
    recipients: tuple[str, ...] = ()
    hooks: tuple[str, ...] = ()


def contacts_of(section: SectionSettings) -> Contacts:
    hook = section.webhook_url
    return Contacts(
        alias=section.alias,
        recipients=section.email_addresses,
        hooks=(hook.get_secret_value(),) if hook else (),
    )


def readable_contacts(name: str, given: Mapping[str, Given]) -> Contacts:
    """The contacts of a section with faults. Those that cannot be read are left out."""

    def value(key: str) -> str:
        return given[key].value if key in given else ""

    return Contacts(
        alias=value("data-source-alias") or name,
        recipients=tuple(_readable(_address, *value("email-addresses").split(","))),
        hooks=tuple(_readable(_url, value("webhook-url"))),
    )


def _readable(kind: TypeAdapter[str], *values: str) -> Iterator[str]:
    for value in values:
        with suppress(ValidationError):
            yield kind.validate_python(value.strip())
