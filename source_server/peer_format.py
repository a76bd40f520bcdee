"""For which harvesters the documents are written."""

from __future__ import annotations

from enum import StrEnum


class PeerFormat(StrEnum):
    """The version of openBIS whose harvesters are answered. AUTO: openBIS 7 for a request that has
    one of its parameters, else 20.10."""

    AUTO = "auto"
    OPENBIS_20_10 = "20.10"
    OPENBIS_7 = "7"
