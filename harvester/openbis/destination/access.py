"""The harvester's user at the destination, and the destination's data store."""

from __future__ import annotations

from sqlalchemy import Connection

from harvester.openbis.section import SectionConfig
from harvester.settings.harvester import HarvesterSettings
from shared.errors import ConfigError
from shared.passwords import verify_password
from shared.store.engine import data_store_uuid
from shared.store.files import DataStore
from shared.store.users import find_person


def authorise(connection: Connection, config: SectionConfig) -> None:
    """Refuse a user who is not an instance admin at the destination, as the manual asks
    (harvester-semantics.md, 1.3)."""
    user = find_person(connection, config.harvester_user)
    password = config.harvester_pass.get_secret_value()
    if user is None or not user.active or not user.password_hash:
        raise ConfigError(
            f"[{config.name}] harvester-user: {config.harvester_user!r} cannot log in to the "
            "destination; create the user with 'harvester init'"
        )
    if not verify_password(user.password_hash, password):
        raise ConfigError(
            f"[{config.name}] harvester-pass: wrong password for {config.harvester_user!r}"
        )
    if not user.is_instance_admin:
        raise ConfigError(
            f"[{config.name}] harvester-user: {config.harvester_user!r} is no instance admin of "
            "the destination"
        )


def data_store(
    connection: Connection, config: SectionConfig, settings: HarvesterSettings
) -> DataStore:
    return DataStore(
        root=settings.storeroot_dir,
        uuid=data_store_uuid(connection),
        service_root=config.file_service_repository_path,
        temporary=config.harvester_tmp_dir / config.alias,
    )
