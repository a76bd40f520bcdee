"""The rules of ResourceSync 1.1 and of the sitemap schema, as far as our plain documents meet
them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from lxml import etree

SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
RS = "{http://www.openarchives.org/rs/terms/}"

_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_HASH = re.compile(r"sha-256:[0-9a-f]{64}|md5:[0-9a-f]{32}")
# All that RFC 3986 allows in a URI.
URI = re.compile(r"https?://(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-F]{2})+")
_OF_LISTS = frozenset({"at", "capability"})
_ENTRY = {SITEMAP + "urlset": SITEMAP + "url", SITEMAP + "sitemapindex": SITEMAP + "sitemap"}
# The sitemap schema gives this order; what it does not know comes last.
_ORDER = ("loc", "lastmod", "changefreq", "priority")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    loc: str
    lastmod: str | None
    md: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A document that keeps the rules."""

    is_index: bool
    md: dict[str, str]
    links: dict[str, str]
    entries: tuple[Entry, ...]

    @property
    def locs(self) -> list[str]:
        return [entry.loc for entry in self.entries]


def checked(document: bytes) -> Checked:
    """Reads a document; AssertionError for a rule that it breaks."""
    assert b"<!DOCTYPE" not in document
    root = etree.fromstring(document)
    assert root.tag in _ENTRY, root.tag
    children = list(root)
    first = next((n for n, e in enumerate(children) if e.tag == _ENTRY[root.tag]), len(children))
    head, entries = children[:first], children[first:]
    (md,) = (dict(each.attrib) for each in head if each.tag == RS + "md")
    assert len(head) == 1 + sum(each.tag == RS + "ln" for each in head)
    links = {str(each.get("rel")): str(each.get("href")) for each in head if each.tag == RS + "ln"}
    assert all(URI.fullmatch(href) for href in links.values())
    if md["capability"] == "resourcelist":
        assert set(md) == _OF_LISTS
        assert _TIME.fullmatch(str(md["at"]))
        assert "up" in links
    else:
        assert set(md) == {"capability"}
    found = tuple(_entries(entries, str(_ENTRY[root.tag])))
    assert len(found) <= 50_000
    assert len(document) <= 50_000_000
    assert len({each.loc for each in found}) == len(found)
    return Checked(
        is_index=root.tag == SITEMAP + "sitemapindex",
        md={str(key): str(value) for key, value in md.items()},
        links=links,
        entries=found,
    )


def _entries(elements: list[etree._Element], tag: str) -> Iterator[Entry]:
    for element in elements:
        assert element.tag == tag, element.tag
        assert not element.attrib
        names = [str(child.tag).removeprefix(SITEMAP) for child in element]
        own = [name for name in names if name in _ORDER]
        assert names[: len(own)] == own == sorted(own, key=_ORDER.index)
        assert names.count("loc") == 1
        assert names.count(RS + "md") <= 1
        yield _entry(element)


def _entry(element: etree._Element) -> Entry:
    loc = element.findtext(SITEMAP + "loc") or ""
    assert URI.fullmatch(loc), loc
    assert not {".", "..", ""} & set(urlsplit(loc).path.split("/")[1:-1]), loc
    lastmod = element.findtext(SITEMAP + "lastmod")
    assert lastmod is None or _TIME.fullmatch(lastmod), lastmod
    found = element.find(RS + "md")
    md = {} if found is None else {str(k): str(v) for k, v in found.attrib.items()}
    assert all(_HASH.fullmatch(each) for each in md.get("hash", "").split())
    assert re.fullmatch("[0-9]+", md.get("length", "0"))
    return Entry(loc=loc, lastmod=lastmod, md=md)
