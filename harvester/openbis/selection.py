"""What the settings of a section select, as it is remembered from run to run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress

from harvester.openbis.section import SELECTING, SectionConfig
from shared.settings.model import keys_of

_Selection = Mapping[str, list[str]]


def written(config: SectionConfig) -> str:
    """The selection in one line: by key, the items of lists; flags that are on have ``true``."""
    return json.dumps(_selection(config), sort_keys=True)


def changes(before: str | None, config: SectionConfig) -> Iterator[str]:
    """What changed since a selection was written; nothing if none was."""
    old, new = _read(before), _selection(config)
    if old is None:
        return
    for key in sorted({*old, *new}):
        gone = [item for item in old.get(key, []) if item not in new.get(key, [])]
        come = [item for item in new.get(key, []) if item not in old.get(key, [])]
        if gone:
            yield f"{key} has no longer {', '.join(gone)}"
        if come:
            yield f"{key} has now {', '.join(come)}"


def _selection(config: SectionConfig) -> _Selection:
    keys = keys_of(SectionConfig)
    values = {keys[name]: getattr(config, name) for name in SELECTING}
    return {key: _items(value) for key, value in values.items() if value}


def _items(value: object) -> list[str]:
    return list(map(str, value)) if isinstance(value, tuple) else ["true"]


def _read(text: str | None) -> _Selection | None:
    with suppress(ValueError, RecursionError):
        found = json.loads(text or "")
        if isinstance(found, dict) and all(map(_is_list_of_texts, found.values())):
            return found
    return None


def _is_list_of_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
