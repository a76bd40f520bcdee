"""The repository's keys in ``config/source-server.properties``."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr

from shared.settings.places import DatabaseUrl, PathBelowBase
from shared.settings.quantities import PositiveDuration, Size
from shared.settings.used_paths import PathRole, PlaceOf, UsedPath, database_path
from shared.settings.values import BaseUrl, Boolean, Integer
from source_server.part import PartSettings


class RepositorySettings(PartSettings):
    """The repository's database, pictures and limits."""

    opendcim_repository: Boolean = False
    opendcim_repository_database_url: DatabaseUrl = SecretStr(
        "sqlite:///data/opendcim-repository.db"
    )
    opendcim_repository_pictures_dir: PathBelowBase = Path("data/opendcim-pictures")
    # The server's address for clients, for addresses of pictures; default: ``download-url``.
    opendcim_repository_address: BaseUrl | None = None
    # Whether numbers are numbers in JSON, as since PHP 8.1, or texts, as before.
    opendcim_repository_numbers: Boolean = False

    opendcim_minimum_interval: PositiveDuration = timedelta(days=1)
    # How often a client is sent the same list within the interval; the list of all templates is
    # sent once.
    opendcim_allowance: Annotated[Integer, Field(ge=1)] = 10
    # Bytes.
    opendcim_max_picture: Annotated[Size, Field(ge=1)] = 10 << 20

    @property
    def is_wanted(self) -> bool:
        return self.opendcim_repository

    def used_paths(self, place_of: PlaceOf) -> Iterator[UsedPath]:
        yield from super().used_paths(place_of)
        if not self.opendcim_repository:
            return
        key, pictures = "opendcim-repository-database-url", "opendcim-repository-pictures-dir"
        url = self.opendcim_repository_database_url.get_secret_value()
        yield from database_path(url, key=key, place=place_of(key), shared="database")
        folder = self.opendcim_repository_pictures_dir
        yield UsedPath(key=pictures, path=folder, place=place_of(pictures), role=PathRole.FOLDER)
