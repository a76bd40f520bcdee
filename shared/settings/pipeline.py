"""The one way from the entries of a settings file to checked settings.

entries with their places > known keys > secrets > placeholders and the model > faults, warnings

Every file goes this way: those of both programs, of their parts, and each section of the INI file.
What reads a file yields its entries (`shared.settings.properties`, `harvester.settings.ini`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic

from shared.errors import ConfigError
from shared.settings.faults import Fault, S, check, unknown_key
from shared.settings.model import Given, Settings, keys_of
from shared.settings.secrets import exposed_secrets, file_keys_of, resolve_secrets


@dataclass(frozen=True, slots=True, kw_only=True)
class Sifted:
    """``known`` has the entries whose keys exist, by the usual spelling. Blank values count as not
    set."""

    known: dict[str, Given] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What settings depend on besides the file's entries. ``place`` is named for what is missing.
    Relative files of secrets begin at ``base``. ``beside`` has values that no entry gave;
    ``context`` is pydantic's."""

    place: str
    base: Path
    environ: Mapping[str, str]
    beside: Mapping[str, str] = field(default_factory=dict)
    context: object = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked(Generic[S]):
    """The settings of one model, None if they are unusable. ``given`` has the entries of its keys,
    with the secrets themselves. With ``faults`` the settings must not be used."""

    settings: S | None
    given: Mapping[str, Given]
    faults: Sequence[Fault]
    warnings: Sequence[Fault]

    @property
    def sound(self) -> S:
        """Raises `ConfigError` if the settings are unusable."""
        if self.settings is None:
            raise ConfigError([str(fault) for fault in self.faults])
        return self.settings


def sift(models: Sequence[type[Settings]], given: Mapping[str, Given]) -> Sifted:
    """Sort the entries of models that stand together. A key that does not exist is a fault, which
    names the nearest one that does."""
    keys = list(written_keys(models))
    spellings = {key: usual for one in models for key, usual in one.other_spellings.items()}
    ineffective = {key for one in models for key in one.ineffective_keys}
    ignored = {key for one in models for key in one.ignored_keys}
    never_blank = {key: text for one in models for key, text in one.never_blank.items()}
    found = Sifted()
    for key, entry in given.items():
        usual = spellings.get(key, key)
        if usual != key and usual in given:
            text = f"{key}: given already as {usual}; remove one of them"
            found.faults.append(Fault(place=entry.place, text=text))
        elif usual in ineffective:
            text = f"{key}: this key never had an effect; remove it"
            found.warnings.append(Fault(place=entry.place, text=text))
        elif usual not in keys and usual not in ignored:
            text = unknown_key(key, [*keys, *spellings])
            found.faults.append(Fault(place=entry.place, text=text))
        elif entry.value:
            found.known[usual] = entry
        elif usual in never_blank:
            text = f"{key}: {never_blank[usual]}"
            found.faults.append(Fault(place=entry.place, text=text))
    return found


def written_keys(models: Iterable[type[Settings]]) -> Iterator[str]:
    """The keys that may stand in a file, those that name files of secrets included."""
    for model in models:
        yield from (key for name, key in keys_of(model).items() if name not in model.unwritten)
        yield from file_keys_of(model)


def checked(model: type[S], known: Mapping[str, Given], surroundings: Surroundings) -> Checked[S]:
    """Read the secrets and validate the model. Entries of other models are left out."""
    keys = set(written_keys([model]))
    own = {key: entry for key, entry in known.items() if key in keys}
    secrets = resolve_secrets(model, own, base=surroundings.base, environ=surroundings.environ)
    settings, faults = check(
        model,
        secrets.given,
        place=surroundings.place,
        beside=surroundings.beside,
        unread=secrets.unread,
        context=surroundings.context,
    )
    notes = (Fault(place=own[key].place, text=f"{key}: {text}") for key, text in model.notes(own))
    return Checked(
        settings=settings,
        given=secrets.given,
        faults=[*secrets.faults, *faults],
        warnings=[*notes, *secrets.warnings],
    )


def exposure_warnings(
    path: Path, shown: Iterable[tuple[type[Settings], Mapping[str, Given]]]
) -> list[str]:
    """At most one warning: that other users of the machine can read secrets in the file."""
    found = (exposed_secrets(model, path, entries) for model, entries in shown)
    return [text for text in found if text][:1]
