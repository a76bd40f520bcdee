"""openDCIM's parts of the source server, for its entry point."""

from __future__ import annotations

from opendcim.connector.settings import ConnectorSettings
from opendcim.extra import EXTRA
from opendcim.repository.commands.parser import add_commands
from opendcim.repository.settings import RepositorySettings
from source_server.part import ServerPart

REPOSITORY = ServerPart(
    name="opendcim-repository",
    settings=RepositorySettings,
    opener="opendcim.repository.part:repository_part",
    needs=EXTRA,
    add_commands=add_commands,
    own_users="users of the template repository are kept by: source-server opendcim user",
)
CONNECTOR = ServerPart(
    name="opendcim-connector",
    settings=ConnectorSettings,
    opener="opendcim.connector.part:connector_part",
)
PARTS = (REPOSITORY, CONNECTOR)
