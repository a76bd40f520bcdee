"""Files, folders and databases that settings name, as absolute paths and URLs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, PrivateAttr, SecretStr, ValidationInfo
from sqlalchemy import URL, make_url

from shared.addresses import UNCLEAR, database_address
from shared.settings.model import Settings

if TYPE_CHECKING:
    from shared.settings.used_paths import PlaceOf, UsedPath

POSTGRESQL = "postgresql+psycopg"
_FORM = "must be sqlite:///<file> or postgresql://<user>:<password>@<host>/<database>"


def absolute_below(base: Path, path: Path) -> Path:
    """The path without ``~``, ``..`` and linked folders, so that two spellings of it are equal.

    A link in the last name is kept, since its target may change while a program runs, as with
    mounted secrets. Raises `ValueError` if the folder cannot be resolved.
    """
    try:
        place = base.absolute() / path.expanduser()
        return place.resolve() if place.name == ".." else place.parent.resolve() / place.name
    except RuntimeError as error:  # no such user, or links that run in a circle
        raise ValueError(f"is no usable path: {error}") from error


def checked_address(text: str, form: str) -> URL:
    """`database_address`, but the message of its `ValueError` begins with the right form."""
    try:
        return database_address(text)
    except ValueError as error:
        why = f"; {UNCLEAR}" if str(error) == UNCLEAR else ""
        raise ValueError(f"{form}{why}") from error


def database_url(text: str, base: Path) -> URL:
    """The URL for SQLAlchemy, with an absolute path for SQLite. Raises `ValueError`."""
    location = checked_address(text, _FORM)
    match location.get_backend_name():
        case "postgresql" | "postgres":
            return location.set(drivername=POSTGRESQL)
        case "sqlite" if location.database not in {None, "", ":memory:"}:
            file = absolute_below(base, Path(str(location.database)))
            return location.set(drivername="sqlite", database=str(file))
        case _:
            raise ValueError(_FORM)


def _below_base(path: Path, info: ValidationInfo) -> Path:
    return absolute_below(_base(info), path)


def _absolute_url(url: SecretStr, info: ValidationInfo) -> SecretStr:
    location = database_url(url.get_secret_value(), _base(info))
    return SecretStr(location.render_as_string(hide_password=False))


def _with_database(url: SecretStr) -> SecretStr:
    if not make_url(url.get_secret_value()).database:
        raise ValueError(_FORM)
    return url


def _base(info: ValidationInfo) -> Path:
    """``base-dir``; if it is faulty or just being validated, the folder of the file."""
    return info.data.get("base_dir") or info.context or Path()


PathBelowBase = Annotated[Path, AfterValidator(_below_base)]
# The URL of a database server, or of one of its databases.
DatabaseServerUrl = Annotated[SecretStr, AfterValidator(_absolute_url)]
DatabaseUrl = Annotated[DatabaseServerUrl, AfterValidator(_with_database)]


@dataclass(frozen=True, slots=True)
class _KnownPaths:
    """Equal to any other, since the places of keys make no difference between settings."""

    paths: tuple[UsedPath, ...] = field(default=(), compare=False)


class PlacedSettings(Settings):
    """Settings whose paths are absolute. Relative paths in the file begin at ``base-dir``.

    The context of the validation is the folder of the file.
    """

    # Default: the folder of the properties file.
    base_dir: PathBelowBase = Path()
    _known_paths: _KnownPaths = PrivateAttr(default=_KnownPaths())

    def used_paths(self, place_of: PlaceOf) -> Iterator[UsedPath]:
        """Every file and folder that the program reads or writes because of these settings."""
        del place_of
        yield from ()

    def faults_beside(self, parts: Sequence[PlacedSettings]) -> Iterator[str]:
        """Faults that depend on the settings of the program's parts."""
        del parts
        yield from ()

    @property
    def known_paths(self) -> tuple[UsedPath, ...]:
        """`used_paths`, the settings file and the files of secrets, each with its file and line;
        only for settings that were read from a file."""
        return self._known_paths.paths

    def keep_known_paths(self, paths: Sequence[UsedPath]) -> None:
        self._known_paths = _KnownPaths(tuple(paths))
