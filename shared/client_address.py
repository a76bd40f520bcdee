"""What a client is counted by, where it is limited how often it may ask."""

from __future__ import annotations

import ipaddress

# Bits of an IPv6 address; the rest is at the client's choice.
_NETWORK = 64


def client_address(host: str) -> str:
    """An IPv4 address (also one that is written as IPv6), or the network of an IPv6 address. Any
    other text is returned unchanged."""
    try:
        known = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(known, ipaddress.IPv4Address):
        return str(known)
    if known.ipv4_mapped:
        return str(known.ipv4_mapped)
    return str(ipaddress.ip_network((known, _NETWORK), strict=False))
