"""Names in a list that every version of openBIS uses: namespaces, documents, root elements.

The prefixes are part of the format: the original's parser compares names with their literal prefix
and never looks at the namespaces (wire-format.md, 1.3).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
RS = "http://www.openarchives.org/rs/terms/"
XMD = "https://sis.id.ethz.ch/software/#openbis/xmdterms/"
X = "https://sis.id.ethz.ch/software/#openbis/xdterms/"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
# Three tokens, so no valid list of pairs; but so the original writes it.
SCHEMA_LOCATION = f"{X} ./xml/xdterms.xsd {XMD}"

# Prefixes of local names, by namespace.
PREFIXES: Mapping[str, str] = MappingProxyType({SITEMAP: "", RS: "rs:", XMD: "xmd:", X: "x:"})


class Document(StrEnum):
    """The value of ``verb`` that asks for a document."""

    ABOUT = "about.xml"
    CAPABILITY_LIST = "capabilitylist.xml"
    RESOURCE_LIST = "resourcelist.xml"

    @property
    def stem(self) -> str:
        """Without ``.xml``."""
        return self.value.removesuffix(".xml")


# A constant of the original's version 1, without a zone (wire-format.md, 1.7).
CAPABILITY_LIST_FROM = "2013-02-07T22:39:00"

URL_SET = "urlset"
SITEMAP_INDEX = "sitemapindex"

# The relation of the link to openBIS 7's application file service (openbis-7-sync.md, 3.1).
AFS_SERVICE = "afs-service-url"

# The beginning of a ``checksum`` that is a SHA-256, in lower-case hex.
SHA256 = "SHA256:"

# The beginning of a ``checksum`` that is an MD5, in lower-case hex.
MD5 = "MD5:"

# The ``rel`` of a link to the application file service of openBIS 7.
AFS_SERVICE = "afs-service-url"
