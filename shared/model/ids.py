"""The ids of openBIS.

A *perm id* never changes and identifies an entity within its kind: for a space its code, for a
data set its code, for a material ``CODE (TYPE)``, for a file-service file its path, for all else
``yyyyMMddHHmmssSSS-<number>``. An *identifier* says where an entity lies: ``/SPACE/PROJECT/CODE``.
"""

from __future__ import annotations

from typing import NewType

PermId = NewType("PermId", str)
Code = NewType("Code", str)
Identifier = NewType("Identifier", str)


def material_perm_id(code: str, type_code: str) -> PermId:
    """Materials have no perm id in openBIS; code and type together identify them."""
    return PermId(f"{code} ({type_code})")


def identifier(*parts: str | None) -> Identifier:
    """``/A/B/C``, without the missing parts."""
    return Identifier("/" + "/".join(filter(None, parts)))


def home_of(path: Identifier) -> tuple[Code | None, Code | None]:
    """Space and project in an identifier; None for those that it lacks.

    ``/CODE`` is shared, ``/SPACE/CODE`` lies in a space, ``/SPACE/PROJECT/CODE`` in a project.
    """
    parts = path.strip("/").split("/")
    space = Code(parts[0]) if len(parts) > 1 else None
    project = Code(parts[1]) if len(parts) > 2 else None  # noqa: PLR2004 - see the docstring
    return space, project
