"""Optional parts of the package, whose libraries may not be installed.

``pip install openbis-sync[name]`` installs the libraries of the extra ``name``.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

from shared.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Extra:
    """An extra in ``pyproject.toml``, and the modules that only it needs."""

    name: str
    modules: tuple[str, ...]

    def lacking(self) -> str:
        """What to do if a module is not installed; empty if all are. Imports none of them."""
        missing = [name for name in self.modules if find_spec(name) is None]
        if not missing:
            return ""
        return (
            f"this needs Python modules that are not installed ({', '.join(missing)}); run: "
            f"pip install 'openbis-sync[{self.name}]'"
        )

    def require(self) -> None:
        """Raises `ConfigError` if a module is not installed."""
        if lacking := self.lacking():
            raise ConfigError(lacking)


# For code that needs no extra.
NO_EXTRA = Extra(name="", modules=())
