"""Assembles the connector: rows, workers, routes."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from opendcim.connector.access import Access
from opendcim.connector.answering import Answering
from opendcim.connector.opendcim import OpenDcim
from opendcim.connector.registry_places import (
    RegistryAddress,
    RegistryFile,
    RegistryPlace,
)
from opendcim.connector.rows import Rows, open_rows
from opendcim.connector.settings import ConnectorSettings, is_loopback
from opendcim.connector.web import PATH, ConnectorSite, Limits, create_routes
from opendcim.connector.workers import Workers
from shared.errors import ConfigError
from shared.proxies import ProxiedTransport, Proxies
from source_server.instance import opened_directories
from source_server.settings import SourceSettings
from source_server.users.sign_in import Authenticator, DirectoryAuthenticator
from source_server.web.dispatch import OpenedPart
from source_server.workers.common import ALONE, Common

_log = logging.getLogger(__name__)


@contextmanager
def connector_part(
    settings: ConnectorSettings, server: SourceSettings, common: Common = ALONE
) -> Iterator[OpenedPart]:
    """Runs the connector until the block ends; rows that are Pending then stay Pending for the next
    start. Raises `ConfigError`."""
    with ExitStack() as stack:
        authenticator = _authenticator(settings, server, stack, common)
        access = Access.of(settings, server, authenticator, common)
        client = stack.enter_context(_opendcim_client(settings))
        registry = _registry(settings, stack)
        rows = open_rows(settings.opendcim_connector_database_url.get_secret_value())
        stack.callback(rows.close)
        workers = _workers(settings, rows, _answering(settings, client, registry), common)
        workers.start()
        # The stack ends in reverse: workers stop before the rows and the client are closed.
        stack.callback(workers.stop)
        site = ConnectorSite(rows=rows, workers=workers, access=access, limits=_limits(settings))
        yield OpenedPart(name="openDCIM connector", prefixes=(PATH,), app=create_routes(site))


def _authenticator(
    settings: ConnectorSettings, server: SourceSettings, stack: ExitStack, common: Common
) -> Authenticator | None:
    """None if there are no users, or if none of them may send requests."""
    if not settings.opendcim_connector_users:
        return None
    directories = stack.enter_context(opened_directories(server))
    if not directories:
        return None
    return DirectoryAuthenticator(directories, common=common, name="connector-logins")


def _answering(
    settings: ConnectorSettings, client: httpx.Client, registry: RegistryPlace
) -> Answering:
    call_timeout = settings.opendcim_connector_call_timeout.total_seconds()
    return Answering(
        opendcim=OpenDcim(client, settings.opendcim_api, call_timeout),
        registry=registry,
        connections=settings.opendcim_connector_connections,
        custom=settings.opendcim_connector_custom_attributes or (),
    )


def _workers(
    settings: ConnectorSettings, rows: Rows, answering: Answering, common: Common
) -> Workers:
    return Workers(
        rows,
        answering,
        count=settings.opendcim_connector_workers,
        retention=settings.opendcim_connector_retention,
        common=common,
    )


def _limits(settings: ConnectorSettings) -> Limits:
    return Limits(
        timeout=settings.opendcim_connector_timeout,
        max_timeout=settings.opendcim_connector_max_timeout,
        max_body=settings.opendcim_connector_max_body,
        max_elements=settings.opendcim_connector_max_elements,
        max_pending=settings.opendcim_connector_max_pending,
    )


def _opendcim_client(settings: ConnectorSettings) -> httpx.Client:
    """The HTTP client. It follows no redirects, since they would carry the password elsewhere."""
    # Lookups that run at once have a connection each: a wait for one would count as a timeout.
    most = settings.opendcim_connector_workers * settings.opendcim_connector_connections
    headers, auth = _credentials(settings)
    _warn_of_listeners(settings)
    return httpx.Client(
        headers=headers,
        auth=auth,
        transport=_transport(
            settings, httpx.Limits(max_connections=most, max_keepalive_connections=most)
        ),
        trust_env=False,
    )


def _transport(settings: ConnectorSettings, limits: httpx.Limits) -> ProxiedTransport:
    """Raises `ConfigError` if an environment variable holds an invalid proxy."""
    if settings.opendcim_proxy or settings.opendcim_system_proxy:
        proxies = Proxies.of(settings.opendcim_proxy)
    else:
        proxies = Proxies(by_scheme={})
    return ProxiedTransport(proxies, _trusted(settings), limits)


def _credentials(
    settings: ConnectorSettings,
) -> tuple[dict[str, str], httpx.BasicAuth | None]:
    """Names of the headers in exactly this case: versions before 23.03 require it (opendcim.md,
    4.1)."""
    headers, auth = {"Accept": "application/json"}, None
    if settings.opendcim_connector_user_id and settings.opendcim_connector_api_key:
        headers["UserID"] = settings.opendcim_connector_user_id
        headers["APIKey"] = settings.opendcim_connector_api_key.get_secret_value()
    if settings.opendcim_connector_user and settings.opendcim_connector_password:
        password = settings.opendcim_connector_password.get_secret_value()
        auth = httpx.BasicAuth(settings.opendcim_connector_user, password)
    return headers, auth


def _warn_of_listeners(settings: ConnectorSettings) -> None:
    url = httpx.URL(settings.opendcim_api)
    if url.scheme == "http" and not is_loopback(url.host):
        _log.warning(
            "openDCIM connector: %s has no TLS, so whoever is on the way can read the password; "
            "use an https URL in opendcim-connector-address",
            settings.opendcim_api,
        )
    if not settings.opendcim_connector_tls_verify:
        _log.warning(
            "openDCIM connector: opendcim-connector-tls-verify = false: whoever is on the way can "
            "read and change everything; use opendcim-connector-ca-bundle instead"
        )


def _trusted(settings: ConnectorSettings) -> ssl.SSLContext:
    if not settings.opendcim_connector_tls_verify:
        return httpx.create_ssl_context(verify=False)
    bundle: Path | None = settings.opendcim_connector_ca_bundle
    try:
        if bundle is None:
            return httpx.create_ssl_context()
        return ssl.create_default_context(cafile=bundle)
    except OSError as error:
        named = f"opendcim-connector-ca-bundle: {bundle}" if bundle else "SSL_CERT_FILE"
        raise ConfigError(f"{named}: no certificates in PEM can be read: {error}") from error


def _registry(settings: ConnectorSettings, stack: ExitStack) -> RegistryPlace:
    place = settings.opendcim_connector_elements or ""
    if not place.startswith(("http://", "https://")):
        return _registry_file(Path(place))
    auth = None
    password = settings.opendcim_connector_elements_password
    if settings.opendcim_connector_elements_user and password:
        auth = httpx.BasicAuth(
            settings.opendcim_connector_elements_user, password.get_secret_value()
        )
    transport = _transport(settings, httpx.Limits())
    client = httpx.Client(auth=auth, transport=transport, trust_env=False)
    stack.enter_context(client)
    interval = settings.opendcim_connector_elements_interval.total_seconds()
    return RegistryAddress(client, place, interval)


def _registry_file(path: Path) -> RegistryFile:
    """The registry's file. It may be missing and written later; a folder is refused."""
    if path.is_dir():
        raise ConfigError(f"opendcim-connector-elements: {path} is a folder, not a file")
    if not path.exists():
        _log.warning("openDCIM connector: opendcim-connector-elements: there is no %s yet", path)
    return RegistryFile(path)
