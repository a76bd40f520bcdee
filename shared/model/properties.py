"""Properties as a store keeps them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import orjson


class JsonProperties(Mapping[str, str]):
    """Codes and values from the text of a JSON object, which is read when someone asks for them.

    Nobody asks while a list is written, which takes most texts over as they are.
    """

    __slots__ = ("_read", "text")

    def __init__(self, text: str) -> None:
        """``text``: an object whose values are texts."""
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
