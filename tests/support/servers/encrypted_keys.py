"""An encrypted private key, as OpenSSL's traditional PEM has it: AES-128-CBC (FIPS 197), with a key
made of password and salt by MD5. Only for keys that a test has made anew."""

from __future__ import annotations

import base64
import hashlib
import secrets
from textwrap import wrap

_ROUNDS = 10
_ROW_SHIFT = [0, 5, 10, 15, 4, 9, 14, 3, 8, 13, 2, 7, 12, 1, 6, 11]
_LABEL = "RSA PRIVATE KEY"


def encrypted(pem: str, password: str) -> str:
    """The private key of a PEM text, alone and encrypted."""
    begin, end = f"-----BEGIN {_LABEL}-----", f"-----END {_LABEL}-----"
    der = base64.b64decode(pem.partition(begin)[2].partition(end)[0])
    vector = secrets.token_bytes(16)
    key = hashlib.md5(password.encode() + vector[:8], usedforsecurity=False).digest()
    body = "\n".join(wrap(base64.b64encode(_cbc(der, key, vector)).decode(), 64))
    info = f"Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,{vector.hex().upper()}\n"
    return f"{begin}\n{info}\n{body}\n{end}\n"


def _cbc(text: bytes, key: bytes, vector: bytes) -> bytes:
    missing = 16 - len(text) % 16
    padded = text + bytes([missing]) * missing
    keys, previous, result = _round_keys(key), vector, bytearray()
    for start in range(0, len(padded), 16):
        previous = _block(_xor(padded[start : start + 16], previous), keys)
        result += previous
    return bytes(result)


def _block(block: bytes, keys: list[bytes]) -> bytes:
    state = _xor(block, keys[0])
    for number in range(1, _ROUNDS + 1):
        state = bytes(_BOX[state[place]] for place in _ROW_SHIFT)
        if number < _ROUNDS:
            state = b"".join(_mixed(state[at : at + 4]) for at in range(0, 16, 4))
        state = _xor(state, keys[number])
    return state


def _mixed(column: bytes) -> bytes:
    a, b, c, d = column
    every = a ^ b ^ c ^ d
    pairs = ((a, b), (b, c), (c, d), (d, a))
    return bytes(one ^ every ^ _twice(one ^ other) for one, other in pairs)


def _round_keys(key: bytes) -> list[bytes]:
    words = [key[at : at + 4] for at in range(0, 16, 4)]
    constant = 1
    while len(words) < 4 * (_ROUNDS + 1):
        word = words[-1]
        if len(words) % 4 == 0:
            turned = bytes(_BOX[byte] for byte in (*word[1:], word[0]))
            word = _xor(turned, bytes([constant, 0, 0, 0]))
            constant = _twice(constant)
        words.append(_xor(words[-4], word))
    return [b"".join(words[at : at + 4]) for at in range(0, len(words), 4)]


def _twice(byte: int) -> int:
    return (byte << 1) ^ (0x11B if byte & 0x80 else 0)


def _times(one: int, other: int) -> int:
    product = 0
    while other:
        product ^= one if other & 1 else 0
        one, other = _twice(one), other >> 1
    return product


def _substitution(byte: int) -> int:
    inverse = next((other for other in range(256) if _times(byte, other) == 1), 0)
    turned = inverse
    for _ in range(4):
        inverse = (inverse << 1 | inverse >> 7) & 0xFF
        turned ^= inverse
    return turned ^ 0x63


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


_BOX = [_substitution(byte) for byte in range(256)]
