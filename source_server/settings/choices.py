"""What settings choose from."""

from __future__ import annotations

from enum import StrEnum


class CatalogueKind(StrEnum):
    """What is published: the embedded store, the database of an openBIS instance, or neither if the
    server only serves other parts."""

    EMBEDDED = "embedded"
    OPENBIS = "openbis"
    NONE = "none"


class AccessLog(StrEnum):
    """The form of the lines of the access log, if there is one."""

    TEXT = "text"
    JSON = "json"
    OFF = "off"


class AfsChecksums(StrEnum):
    """Which checksums of AFS files are listed: those that are noted, or computed ones as well."""

    KNOWN = "known"
    COMPUTED = "computed"


class PeerFormat(StrEnum):
    """The version of openBIS whose harvesters are answered. AUTO: openBIS 7 for a request that has
    one of its parameters, else 20.10."""

    AUTO = "auto"
    OPENBIS_20_10 = "20.10"
    OPENBIS_7 = "7"
