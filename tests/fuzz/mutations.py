"""What becomes of bytes that were right: the same for the same number."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

_ENTRY = re.compile(rb"<url>.*?</url>", re.DOTALL)
_VALUE = re.compile(rb'="([^"]*)"')
_TAG = re.compile(rb"<[^>]*>")
_TEXT = re.compile(rb">([^<]+)<")

_ODD = (
    *(b"", b" ", b"-1", b"0", b"1", b"2147483648", b"9223372036854775807", b"9" * 19, b"9" * 400),
    *(b"x" * 300, b"x" * 3_000, b"a/" * 400 + b"b", b"../../etc/passwd", b"/abs", b"a\\b", b"."),
    *(b"&#0;", b"&#10;", b"&#x202e;", b"&amp;", b"&nope;", b"%00", b"\xff\xfe"),
    *(b"0001-01-01T00:00:00Z", b"9999-12-31T23:59:59Z", b"2024-02-30T00:00:00Z", b"2024-01-01"),
    *(b"PHYSICAL", b"LINK", b"CONTAINER", b"SPACE", b"DATA_SET", b"FILE", b"true", b"$"),
    *(b"SHA256:zz", b"MD5:00", b"/A/B/C/D", b"/", b"NaN", b"1e9", b"ALPHA", b"\xed\xa0\x80"),
    *(b"\xf0\x9f\x98\x80", b"http://x/"),
)  # fmt: skip
_MARKUP = (
    *(b"<!-- a -->", b"<![CDATA[<url></url>]]>", b"<?pi?>", b"<a>", b"</url>", b"<url>"),
    *(b"<x:xd>", b"<!DOCTYPE a [<!ENTITY e 'x'>]>", b"]]>", b"<x:properties/>", b"&e;", b"\0"),
    *(b"<deep>" * 300 + b"</deep>" * 300, b"<x:property><x:code>A</x:code></x:property>" * 50),
    *(b"</urlset>", b"<"),
    b"<x:xd " + b" ".join(b'a%d="1"' % number for number in range(1_500)) + b"/>",
)  # fmt: skip

Change = Callable[[Random, bytes], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutated:
    """A body, and how the answer says that it is packed."""

    body: bytes
    encoding: str


def mutated_list(random: Random, documents: tuple[bytes, ...]) -> Mutated:
    """One of the documents with one to five changes, then packed or not."""
    body = random.choice(documents)
    for _ in range(random.choice((0, 1, 1, 1, 2, 3, 5))):
        body = random.choice(_CHANGES)(random, body)
    return _packed(random, body)


def mutated_text(random: Random, text: bytes) -> bytes:
    """Settings with some changes in their bytes and lines."""
    for _ in range(random.choice((1, 1, 2, 4))):
        text = random.choice(_CHANGES_OF_TEXTS)(random, text)
    return text


def _packed(random: Random, body: bytes) -> Mutated:
    packed = gzip.compress(body, mtime=0)
    choices: tuple[tuple[bytes, str], ...] = (
        *((body, ""),) * 8,
        *((packed, "gzip"),) * 5,
        (gzip.compress(packed, mtime=0), "gzip, gzip"),
        (packed[: -random.randint(1, len(packed) - 1)], "gzip"),
        (packed + b"more", "gzip"),
        (_flip(random, packed), "gzip"),
        (body, "gzip"),
        (packed, ""),
        (packed, "br"),
    )
    body, encoding = random.choice(choices)
    return Mutated(body=body, encoding=encoding)


def _flip(random: Random, body: bytes) -> bytes:
    changed = bytearray(body)
    for _ in range(random.choice((1, 1, 3, 20))):
        if changed:
            changed[random.randrange(len(changed))] = random.randrange(256)
    return bytes(changed)


def _insert(random: Random, body: bytes) -> bytes:
    place = random.randint(0, len(body))
    return body[:place] + random.randbytes(random.choice((1, 4, 50))) + body[place:]


def _truncate(random: Random, body: bytes) -> bytes:
    return body[: random.randint(0, len(body))]


def _slice(random: Random, body: bytes) -> bytes:
    """A piece is lost, or comes twice."""
    first = random.randint(0, len(body))
    last = min(len(body), first + random.choice((1, 10, 200, 5_000)))
    return body[:first] + body[first:last] * random.choice((0, 2)) + body[last:]


def _one_of(pattern: re.Pattern[bytes]) -> Change:
    def change(random: Random, body: bytes) -> bytes:
        """Another value in the place of one, or that of another place."""
        found = list(pattern.finditer(body))
        if not found:
            return body
        one = random.choice(found)
        other = random.choice(found)[1] if random.random() < 0.4 else random.choice(_ODD)
        return body[: one.start(1)] + other + body[one.end(1) :]

    return change


def _markup(random: Random, body: bytes) -> bytes:
    tags = list(_TAG.finditer(body))
    place = random.choice(tags).end() if tags else 0
    return body[:place] + random.choice(_MARKUP) + body[place:]


def _drop_tag(random: Random, body: bytes) -> bytes:
    tags = list(_TAG.finditer(body))
    if not tags:
        return body
    tag = random.choice(tags)
    return body[: tag.start()] + body[tag.end() :]


def _entries(random: Random, body: bytes) -> bytes:
    """One is lost, comes twice or often, changes places with another, or comes within it."""
    found = list(_ENTRY.finditer(body))
    if not found:
        return body
    one, other = random.choice(found), random.choice(found)
    kept = body[: one.start()], body[one.end() :]
    return random.choice(
        (
            kept[0] + kept[1],
            kept[0] + one[0] * 2 + kept[1],
            kept[0] + one[0] * 30 + kept[1],
            kept[0] + other[0] + kept[1],
            kept[0] + one[0].replace(b"</url>", other[0] + b"</url>") + kept[1],
            kept[0] + kept[1].replace(b"</urlset>", one[0] + b"</urlset>"),
        )
    )


def _line(random: Random, text: bytes) -> bytes:
    lines = text.splitlines(keepends=True) or [b""]
    number = random.randrange(len(lines))
    name = lines[number].partition(b"=")[0].lstrip(b"#")
    lines[number] = random.choice(
        (
            *(b"", lines[number] * 2, b"#" + lines[number], lines[number].lstrip(b"#")),
            *(name + b"= " + random.choice(_ODD) + b"\n",) * 6,
            *(b"[" + random.choice(_ODD) + b"]\n", name, b"\\\n", b"a\\u00zz = 1\n", b"=\n"),
            *(b"\\u0000 = \\u0000\n", name + b"= a\\u0000b\n", b"%(x)s = %(y)s\n", b"[DEFAULT]\n"),
        )
    )
    return b"".join(lines)


_CHANGES: tuple[Change, ...] = (
    *(_flip, _insert, _truncate, _slice, _markup, _drop_tag, _entries, _entries),
    *(_one_of(_VALUE),) * 5,
    *(_one_of(_TEXT),) * 3,
)
_CHANGES_OF_TEXTS: tuple[Change, ...] = (_flip, _insert, _truncate, _slice, *(_line,) * 8)
