"""Bytes against what a list announces of them."""

from __future__ import annotations

import hashlib
import zlib

import pytest

from shared.verification import UNANNOUNCED, Expected, VerificationError, Verifier

CAKE = b"flour, eggs and sugar"
SHA256 = hashlib.sha256(CAKE).hexdigest()


def verified(content: bytes, **expected: object) -> str:
    verifier = Verifier(Expected(**expected))  # type: ignore[arg-type] # any of its fields
    verifier.feed(content[:5])
    verifier.feed(content[5:])
    return verifier.finish().sha256


@pytest.mark.parametrize("name", ["SHA256", "sha-256"])
def test_a_checksum_that_is_computed_anyway_is_compared_as_well(name: str) -> None:
    assert verified(CAKE, checksum=f"{name}:{SHA256.upper()}") == SHA256
    with pytest.raises(VerificationError, match=name):
        verified(CAKE + b"!", checksum=f"{name}:{SHA256}")


def test_another_checksum_is_compared_beside_it() -> None:
    md5 = hashlib.md5(CAKE, usedforsecurity=False).hexdigest()
    assert verified(CAKE, checksum=f"MD5:{md5}", sha256=SHA256) == SHA256
    with pytest.raises(VerificationError, match="MD5"):
        verified(CAKE, checksum=f"MD5:{md5[::-1]}", sha256=SHA256)


def test_every_sum_proves_and_a_length_does_not() -> None:
    assert Expected(crc32=zlib.crc32(CAKE)).proves
    assert Expected(sha256=SHA256).proves
    assert Expected(checksum="MD5:00").proves
    assert not Expected(length=5).proves
    assert not Expected(checksum="TIGER:00").proves


def test_a_file_without_an_announced_length_ends_somewhere() -> None:
    verifier = Verifier(Expected())
    verifier.feed(b"a few bytes")
    with pytest.raises(VerificationError, match=r"does not say how long .* 1,073,741,824 bytes"):
        verifier.feed(bytes(UNANNOUNCED))
