"""Properties that are parsed when they are first read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import orjson


class JsonProperties(Mapping[str, str]):
    """Codes and values in the text of a JSON object, parsed on first access.

    While a list is written they are mostly not parsed: the text itself is converted.
    """

    __slots__ = ("_read", "text")

    def __init__(self, text: str) -> None:
        """``text`` is an object whose values are texts."""
        self.text = text
        self._read: dict[str, str] | None = None

    def _values(self) -> dict[str, str]:
        if self._read is None:
            self._read = orjson.loads(self.text)
        return self._read

    def __getitem__(self, code: str) -> str:
        return self._values()[code]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values())

    def __len__(self) -> int:
        return len(self._values())

    def __bool__(self) -> bool:
        return self.text != "{}"

    def __repr__(self) -> str:
        return f"JsonProperties({self.text!r})"
