"""A certificate for ``localhost`` and ``127.0.0.1``, made anew: no private key lies in the project.

Written with the standard library alone: an RSA key, and the few structures of X.509 (RFC 5280) in
DER that a certificate needs which signs itself.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import ssl
from functools import cache
from pathlib import Path

_BITS = 2048
_EXPONENT = 65537
_SHA256_WITH_RSA = bytes.fromhex("06092a864886f70d01010b")
_RSA = bytes.fromhex("06092a864886f70d010101")
_SHA256 = bytes.fromhex("0609608648016503040201")
_COMMON_NAME = bytes.fromhex("0603550403")
_ALTERNATIVE_NAMES = bytes.fromhex("0603551d11")
_BASIC_CONSTRAINTS = bytes.fromhex("0603551d13")
_NULL = b"\x05\x00"


def certificate(folder: Path, number: int = 0) -> Path:
    """A PEM file with key and certificate, to serve with and to trust in; each number another."""
    file = folder / f"certificate{number or ''}.pem"
    file.write_text(_pem(number))
    return file


def server_context(file: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


@cache
def _pem(_number: int) -> str:
    p, q = _prime(_BITS // 2), _prime(_BITS // 2)
    modulus = p * q
    private = pow(_EXPONENT, -1, (p - 1) * (q - 1))
    numbers = (0, modulus, _EXPONENT, private, p, q)
    rest = (private % (p - 1), private % (q - 1), pow(q, -1, p))
    key = _sequence(*map(_integer, numbers + rest))
    public = _sequence(_integer(modulus), _integer(_EXPONENT))
    content = _content(public)
    signature = _signature(content, modulus, private)
    signed = _sequence(content, _sequence(_SHA256_WITH_RSA, _NULL), _bits(signature))
    return _armoured("RSA PRIVATE KEY", key) + _armoured("CERTIFICATE", signed)


def _content(public: bytes) -> bytes:
    name = _sequence(_der(0x31, _sequence(_COMMON_NAME, _der(0x0C, b"localhost"))))
    validity = _sequence(_der(0x17, b"240101000000Z"), _der(0x18, b"21240101000000Z"))
    names = _sequence(_der(0x82, b"localhost"), _der(0x87, bytes([127, 0, 0, 1])))
    extensions = _sequence(
        _sequence(_ALTERNATIVE_NAMES, _der(0x04, names)),
        _sequence(_BASIC_CONSTRAINTS, _der(0x04, _sequence(_der(0x01, b"\xff")))),
    )
    return _sequence(
        _der(0xA0, _integer(2)),
        _integer(secrets.randbits(63) | 1),
        _sequence(_SHA256_WITH_RSA, _NULL),
        name,
        validity,
        name,
        _sequence(_sequence(_RSA, _NULL), _bits(public)),
        _der(0xA3, extensions),
    )


def _signature(content: bytes, modulus: int, private: int) -> bytes:
    digest = _der(0x04, hashlib.sha256(content).digest())
    info = _sequence(_sequence(_SHA256, _NULL), digest)
    size = (modulus.bit_length() + 7) // 8
    padded = b"\x00\x01" + b"\xff" * (size - len(info) - 3) + b"\x00" + info
    return pow(int.from_bytes(padded, "big"), private, modulus).to_bytes(size, "big")


def _prime(bits: int) -> int:
    while True:
        candidate = secrets.randbits(bits) | (0b11 << (bits - 2)) | 1
        if candidate % _EXPONENT != 1 and _is_prime(candidate):
            return candidate


def _is_prime(number: int) -> bool:
    """Miller and Rabin's test; small divisors first, which most numbers have."""
    if any(number % divisor == 0 for divisor in range(3, 2000, 2)):
        return False
    twos = ((number - 1) & -(number - 1)).bit_length() - 1
    odd = (number - 1) >> twos
    for _ in range(8):
        value = pow(secrets.randbelow(number - 3) + 2, odd, number)
        powers = [value]
        for _ in range(twos - 1):
            powers.append(pow(powers[-1], 2, number))
        if value != 1 and number - 1 not in powers:
            return False
    return True


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def _sequence(*parts: bytes) -> bytes:
    return _der(0x30, b"".join(parts))


def _integer(number: int) -> bytes:
    return _der(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def _bits(content: bytes) -> bytes:
    return _der(0x03, b"\x00" + content)


def _armoured(label: str, der: bytes) -> str:
    text = base64.encodebytes(der).decode()
    return f"-----BEGIN {label}-----\n{text}-----END {label}-----\n"
