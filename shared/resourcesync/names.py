"""Names of elements, independent of the prefixes and namespaces that a document declares.

A name such as ``x:xd`` is recognised by its namespace, whatever the prefix, and by its literal
prefix, whatever the namespace: the original looks at the prefix only, other writers keep to XML.
"""

from __future__ import annotations

from functools import lru_cache

from lxml.etree import _Element

from shared.resourcesync.terms import PREFIXES

_LITERAL_PREFIXES = {"x": "x:", "xmd": "xmd:", "rs": "rs:", None: ""}


def name_of(element: _Element) -> str:
    """``x:xd``, ``xmd:term``, ``rs:md``, or the bare name of a sitemap element in lower case."""
    return _name(element.tag, element.prefix)


@lru_cache(maxsize=1024)
def _name(tag: str, prefix: str | None) -> str:
    namespace, local = split(tag)
    known = PREFIXES.get(namespace, _LITERAL_PREFIXES.get(prefix))
    if known is None:
        return tag
    return f"{known}{local}" if known else local.lower()


def split(tag: str) -> tuple[str, str]:
    """Namespace (or nothing) and local name of lxml's ``{namespace}name``."""
    namespace, brace, local = tag.rpartition("}")
    return (namespace[1:], local) if brace else ("", local)
