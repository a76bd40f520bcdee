"""The SSL contexts of a section: which certificates are trusted, and which one is presented."""

from __future__ import annotations

import logging
import ssl
import sys
from pathlib import Path

import httpx

from harvester.settings.section import SectionSettings
from shared.errors import ConfigError

# In the first lines of a key that needs a password.
_ENCRYPTED = b"ENCRYPTED"


def tls_context(config: SectionSettings) -> ssl.SSLContext:
    """For connections to the data source. `ConfigError` names section, key and file."""
    context = trusting_context(config)
    _prove_identity(context, config)
    return context


def trusting_context(config: SectionSettings) -> ssl.SSLContext:
    """The same without a client certificate: a proxy does not need it."""
    if not config.tls_verify:
        return httpx.create_ssl_context(verify=False)
    bundle = config.ca_bundle
    try:
        if bundle is None:
            return httpx.create_ssl_context()
        return ssl.create_default_context(cafile=bundle)
    except OSError as error:
        if bundle is None:
            raise ConfigError(
                "the certificates named by SSL_CERT_FILE or SSL_CERT_DIR cannot be read: "
                f"{_told(error)}"
            ) from error
        raise _fault(
            config, "ca-bundle", bundle, f"no certificates in PEM: {_told(error)}"
        ) from error


def warn_if_unverified(config: SectionSettings, log: logging.Logger) -> None:
    """Warn in the section's log and on standard error that certificates are not verified."""
    if config.tls_verify:
        return
    warning = (
        f"[{config.name}] tls-verify = false: whoever is on the way to the data source can read "
        "and change everything, the password too; name its certificate authority in ca-bundle "
        "instead"
    )
    log.warning(warning)
    sys.stderr.write(f"harvester: WARNING: {warning}\n")


def _prove_identity(context: ssl.SSLContext, config: SectionSettings) -> None:
    certificate, key = config.client_certificate, config.client_key
    if certificate is None:
        return
    for name, file in (("client-certificate", certificate), ("client-key", key)):
        _check_readable(config, name, file)
    secret = config.client_key_password
    # Without a given password OpenSSL would ask at the terminal.
    password = secret.get_secret_value() if secret else ""
    try:
        context.load_cert_chain(certificate, key, password)
    except (ssl.SSLError, ValueError) as error:
        raise _identity_fault(config, certificate, key or certificate, error) from error


def _check_readable(config: SectionSettings, key: str, file: Path | None) -> None:
    if file is None:
        return
    try:
        with file.open("rb"):
            pass
    except OSError as error:
        raise _fault(config, key, file, f"cannot be read: {_told(error)}") from error


def _identity_fault(
    config: SectionSettings, certificate: Path, key: Path, error: ssl.SSLError | ValueError
) -> ConfigError:
    if getattr(error, "reason", None) == "KEY_VALUES_MISMATCH":
        return _fault(config, "client-key", key, f"is not the key of {certificate}")
    if _ENCRYPTED in key.read_bytes():
        text = "the key is encrypted; check client-key-password"
        return _fault(config, "client-key", key, text)
    text = f"this and the key in {key} cannot be used: {_told(error)}; both must be PEM"
    return _fault(config, "client-certificate", certificate, text)


def _fault(config: SectionSettings, key: str, file: Path, text: str) -> ConfigError:
    return ConfigError(f"[{config.name}] {key}: {file}: {text}")


def _told(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
