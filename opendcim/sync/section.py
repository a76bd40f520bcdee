"""A section with ``kind = opendcim-repository``: a template repository, and the openDCIM
installation to keep in step with it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo, field_validator
from sqlalchemy import URL, make_url

from harvester.settings.section import BasePath, SectionSettings
from shared.settings.places import absolute_below, checked_address
from shared.settings.quantities import PositiveDuration
from shared.settings.used_paths import PathRole, PlaceOf, UsedPath, database_path
from shared.settings.values import BaseUrl, Boolean, Items, Urls

KIND = "opendcim-repository"
# The original's operators asked for one run a day, and blocked addresses that came more often.
_DAY = timedelta(days=1)
_FORM = "must be mysql://<user>:<password>@<host>/<database> or sqlite:///<file>"
_MARIADB = frozenset({"mysql", "mariadb"})


class Units(StrEnum):
    """Units of weights in openDCIM; the repository has pounds."""

    METRIC = "metric"
    INCH_POUND = "inch-pound"


def opendcim_database(text: str, base: Path) -> URL:
    """MariaDB by PyMySQL, whatever driver is named; an SQLite file relative to ``base``. Raises
    `ValueError`."""
    location = checked_address(text, _FORM)
    if not location.database or location.database == ":memory:":
        raise ValueError(_FORM)
    match location.get_backend_name():
        case name if name in _MARIADB:
            location = location.set(drivername="mysql+pymysql")
            return location.update_query_dict({"charset": "utf8mb4"})
        case "sqlite":
            file = absolute_below(base, Path(str(location.database)))
            return location.set(drivername="sqlite", database=str(file))
        case _:
            raise ValueError(_FORM)


def _database(url: SecretStr, info: ValidationInfo) -> SecretStr:
    base = info.context.base_dir if info.context else Path()
    location = opendcim_database(url.get_secret_value(), base)
    return SecretStr(location.render_as_string(hide_password=False))


def _root(url: str) -> str:
    """The URL without the path that requests append."""
    return url.rstrip("/").removesuffix("/api").rstrip("/")


class RepositorySection(SectionSettings):
    """One repository and one installation."""

    repository_url: Annotated[BaseUrl, AfterValidator(_root)]
    api_user_id: str = ""
    # None: nothing is submitted.
    api_key: SecretStr | None = None
    opendcim_database_url: Annotated[SecretStr, AfterValidator(_database)]
    # openDCIM's folder: ``pictures`` up to 23.04, ``assets/pictures`` since then.
    pictures_dir: BasePath
    # The state between runs: times of requests, lists, submissions.
    opendcim_state_dir: BasePath = Path("opendcim_{alias}")

    # None: the units of openDCIM's own configuration (``mUnits``).
    units: Units | None = None
    # Whether a template keeps the state in which it was first pulled.
    keep_local_default: Boolean = False
    interval: PositiveDuration = _DAY
    # Manufacturers by name, in addition to those that are subscribed in openDCIM.
    subscribe: Items = ()
    # ``Manufacturer/Model``, in addition to those that are marked in openDCIM.
    keep_local: Items = ()
    # ``Manufacturer/Model``, in addition to those that are marked in openDCIM.
    share: Items = ()
    # Further origins of pictures besides the repository's, such as ``https://images.example``.
    picture_origins: Urls = ()
    timeout: Annotated[int, Field(ge=1, le=86400)] = 60

    @field_validator("interval")
    @classmethod
    def _is_polite(cls, interval: timedelta) -> timedelta:
        if interval < _DAY:
            raise ValueError(
                "at least 1 d, since repositories ask for that; a single run in between is had by "
                "'harvester run --force'"
            )
        return interval

    @field_validator("keep_local", "share")
    @classmethod
    def _names_templates(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            # The slash is one of the three parts, and empty if there is none.
            if not all(part.strip() for part in name.partition("/")):
                raise ValueError(f"{name!r} is no template; write Manufacturer/Model")
        return names

    @property
    def source_url(self) -> str:
        return self.repository_url

    @property
    def source_user(self) -> str:
        return self.api_user_id

    @property
    def exclusive(self) -> dict[str, str]:
        database = make_url(self.opendcim_database_url.get_secret_value())
        # Driver and user do not count: two users of one database write the same rows.
        shown = URL.create("", host=database.host, port=database.port, database=database.database)
        return {
            "opendcim-state-dir": str(self.opendcim_state_dir),
            "opendcim-database-url": shown.render_as_string().removeprefix("://"),
        }

    def used_paths(self, place_of: PlaceOf) -> Iterator[UsedPath]:
        yield from super().used_paths(place_of)
        yield self._used("opendcim-state-dir", self.opendcim_state_dir, PathRole.FOLDER, place_of)
        key = "pictures-dir"  # two databases may belong to one installation's folder
        yield self._used(key, self.pictures_dir, PathRole.FOLDER, place_of, key)
        key = "opendcim-database-url"
        url = self.opendcim_database_url.get_secret_value()
        yield from database_path(url, key=key, place=place_of(key), section=self.name)
