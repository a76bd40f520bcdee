"""Chooses the proxy of a request: from a setting, else from the environment.

``NO_PROXY`` is read as by curl: names with their subdomains, addresses of IPv4 and IPv6 with and
without brackets, networks (``10.0.0.0/8``, ``fd00::/8``), each with or without a port, and ``*``.
Requests to these never go through a proxy.
"""

from __future__ import annotations

import ipaddress
import re
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies

import httpx

from shared.errors import ConfigError
from shared.masking import remember_secrets

_SCHEMES = ("http", "https", "all")
_ENTRY = re.compile(
    r"(?:(?P<scheme>[a-z]+)://)?(?:\[(?P<six>[^\]]+)\]|(?P<host>[^\[\]:]*))(?::(?P<port>\d+))?"
)
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Exception:
    """An entry of NO_PROXY; None stands for every scheme, host or port."""

    scheme: str | None = None
    host: str | None = None
    network: ipaddress.IPv4Network | ipaddress.IPv6Network | None = None
    port: int | None = None

    def holds_for(self, scheme: str, host: str, port: int) -> bool:
        if self.scheme not in {None, "all", scheme} or self.port not in {None, port}:
            return False
        if self.network is not None:
            address = _address(host)
            return address is not None and address in self.network
        return self.host is None or host == self.host or host.endswith(f".{self.host}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxies:
    """``by_scheme``: the URL of a proxy for ``http``, ``https`` or ``all``."""

    by_scheme: Mapping[str, str]
    exceptions: tuple[_Exception, ...] = ()

    @classmethod
    def of(cls, proxy: str | None = None) -> Proxies:
        """``proxy`` for everything, else the proxies of the environment. Raises `ConfigError`."""
        if proxy:
            return cls(by_scheme={"all": proxy})
        found = getproxies()
        given = {name: found[name] for name in _SCHEMES if found.get(name)}
        urls = {name: _checked(url) for name, url in given.items()}
        entries = re.split(r"[,\s]+", found.get("no", ""))
        return cls(by_scheme=urls, exceptions=tuple(_exception(e) for e in entries if e))

    def proxy_for(self, url: str) -> str | None:
        """The URL of the proxy for an address; None for a direct connection."""
        parts = urlsplit(url)
        # A dot at the end says that a name is complete; entries of NO_PROXY are kept without it.
        host = (parts.hostname or "").rstrip(".").lower()
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)
        if any(each.holds_for(parts.scheme, host, port) for each in self.exceptions):
            return None
        return self.by_scheme.get(parts.scheme) or self.by_scheme.get("all")


class ProxiedTransport(httpx.BaseTransport):
    """Sends each request directly or through its proxy. Errors on the way name the proxy, without
    its login."""

    def __init__(
        self,
        proxies: Proxies,
        context: ssl.SSLContext,
        limits: httpx.Limits,
        *,
        direct: httpx.BaseTransport | None = None,
        proxy_context: ssl.SSLContext | None = None,
    ) -> None:
        self._proxies = proxies
        self._context = context
        self._proxy_context = proxy_context
        self._limits = limits
        self._direct = direct or httpx.HTTPTransport(verify=context, limits=limits)
        self._opened: dict[str, httpx.HTTPTransport] = {}
        self._lock = threading.Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        proxy = self._proxies.proxy_for(str(request.url))
        if proxy is None:
            return self._direct.handle_request(request)
        try:
            return self._through(proxy).handle_request(request)
        except httpx.TransportError as error:
            reason = str(error) or type(error).__name__
            raise type(error)(f"{reason} (through the proxy {shown_proxy(proxy)})") from error

    def close(self) -> None:
        self._direct.close()
        with self._lock:
            opened, self._opened = self._opened, {}
        for transport in opened.values():
            transport.close()

    def _through(self, proxy: str) -> httpx.HTTPTransport:
        with self._lock:
            if proxy not in self._opened:
                through_tls = proxy.startswith("https:")
                self._opened[proxy] = httpx.HTTPTransport(
                    verify=self._context,
                    limits=self._limits,
                    proxy=httpx.Proxy(
                        proxy, ssl_context=self._proxy_context if through_tls else None
                    ),
                )
            return self._opened[proxy]


def shown_proxy(proxy: str) -> str:
    """Scheme, host and port."""
    parts = urlsplit(proxy)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _checked(proxy: str) -> str:
    """A proxy's URL with a scheme; errors do not show the value, since it may hold a password."""
    url = proxy if "://" in proxy else f"http://{proxy}"
    try:
        parts = urlsplit(url)
        usable = parts.scheme in _DEFAULT_PORTS and parts.hostname and parts.port != 0
        httpx.URL(url)
    except (ValueError, httpx.InvalidURL):
        usable = None
    if not usable:
        raise ConfigError(
            "a proxy of the environment (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY) is no http or https "
            "URL; correct the variable"
        )
    if parts.password:
        # A message may show the password as it stands in the URL, or decoded: both are masked.
        remember_secrets(parts.password, unquote(parts.password))
    return url


def _exception(entry: str) -> _Exception:
    """An entry of NO_PROXY. Raises `ConfigError`."""
    if entry == "*":
        return _Exception()
    scheme, slashes, rest = entry.lower().rpartition("://")
    has_port = re.search(r"\]:\d+$", rest) is not None
    network = None if has_port else _network(re.sub(r"[\[\]]", "", rest))
    if network is not None:
        return _Exception(scheme=scheme or None, network=network)
    found = _ENTRY.fullmatch(f"{scheme}{slashes}{rest}")
    if found is None:
        raise ConfigError(
            f"environment variable NO_PROXY: {entry!r} is neither a host nor an address nor a "
            "network; correct the variable"
        )
    host = (found["six"] or found["host"]).lstrip("*").strip(".")
    port = int(found["port"]) if found["port"] else None
    return _Exception(
        scheme=found["scheme"],
        host=None if _network(host) else host or None,
        network=_network(host),
        port=port,
    )


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    # ``::ffff:10.0.0.1`` is the host ``10.0.0.1``, and so lies in the network ``10.0.0.0/8``.
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
