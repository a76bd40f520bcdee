"""Limits of what is read and stored; docs/limits.md explains them to operators.

They follow from columns of 64 and 32 bits, indexes of PostgreSQL (2,704 bytes a
row, so the parts of a key of several columns fit together), file systems (255 bytes a name, 4,096
a path), and the memory that reading one entry takes. They hold on both databases alike, so that an
instance can be moved from one to the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256

from shared.model.entities import Attachment, ContentCopy, Entity, FileNode, ServiceFile
from shared.model.kinds import Kind
from shared.model.unknown import Unknown

# A code, a type, a user id or a relation.
CODE_BYTES = 500
# A perm id, or type and code of a material. Two of them are the key of a link.
PERM_ID_BYTES = 1_100
# A reference to an experiment or a sample.
IDENTIFIER_BYTES = 2_100
# It becomes the name of a folder, and of a longer one while it is written.
DATA_SET_CODE_BYTES = 200
# The name of an attachment. Its content is stored under its checksum, so no file system limits it.
FILE_NAME_BYTES = 1_000
# The path of a file of a data set or of the file service.
PATH_BYTES = 2_000
# Parts of a path, the file's name included.
PATH_PARTS = 100
# Each part of a path.
NAME_BYTES = 255
# An address (``href``), and each text of a content copy.
LINK_TEXT_BYTES = 65_536

# Bytes of a file, and of all files of a list together, so that no sum overflows.
LENGTH = 2**56
# The number of a version, and an ordinal.
NUMBER = 2**31 - 1
# Versions of one attachment.
VERSIONS = 10_000

EARLIEST = datetime(1, 1, 2, tzinfo=UTC)
# The latest date that every time zone can show.
LATEST = datetime(9999, 12, 30, tzinfo=UTC)
# The earliest time of a whole list.
EARLIEST_AT = datetime(1970, 1, 1, tzinfo=UTC)

# One entry of a list, as XML.
ENTRY_BYTES = 256 << 20
# Text between two tags, or one start tag: files of the file service within the list have 48 MB at
# most.
TEXT_BYTES = 64 << 20
# Elements of one entry; a file of a data set is one.
ENTRY_ELEMENTS = 1_000_000
# Attributes of one element.
ATTRIBUTES = 1_000
# Parts of a list that is published in parts.
PARTS = 50_000

# The reason why a record cannot be read.
REASON_BYTES = 4_000


def is_longer(text: str, most: int) -> bool:
    """Whether the UTF-8 form of a text has more bytes."""
    return len(text) * 4 > most and len(text.encode("utf-8", "replace")) > most


def shortened(text: str, most: int = REASON_BYTES) -> str:
    """A text for people; a long one is reduced to its beginning, end and length."""
    if not is_longer(text, most):
        return text
    return f"{text[: most // 8]}…{text[-most // 16 :]} ({len(text):,} characters)"


def name_of_fault(text: str, most: int = PATH_BYTES) -> str:
    """Name of a record that cannot be read. If the name is too long to be stored, its hash keeps
    two such records apart."""
    if not is_longer(text, most):
        return text
    digest = sha256(text.encode("utf-8", "replace")).hexdigest()
    return f"{shortened(text, most)[:-1]}, SHA-256 {digest[:16]})"


def entity_excess(entity: Entity) -> str | None:
    """The field of an entity that is beyond a limit, and the limit; None if all fits."""
    return next(_excesses(entity), None)


def service_file_excess(file: ServiceFile) -> str | None:
    """The same for a file of the file service."""
    dates = _date("the modification date", file.modified)
    return next(iter((*_path("the path", file.path), *_length(file.length), *dates)), None)


def definition_excess(definition: object) -> str | None:
    """The same for a definition of the master data: its codes, names and ordinal."""
    for field in _NAMES_OF_DEFINITIONS:
        text = getattr(definition, field, None)
        if text and is_longer(text, CODE_BYTES):
            return next(iter(_too_long(f"the {field.replace('_', ' ')}", text, CODE_BYTES)))
    ordinal = getattr(definition, "ordinal", 0)
    if not -NUMBER <= ordinal <= NUMBER:
        return f"the ordinal {ordinal} is not between -{NUMBER:,} and {NUMBER:,}"
    for field in ("registered", "modified"):
        if (moment := getattr(definition, field, None)) and (told := _date(f"the {field}", moment)):
            return told[0]
    return None


_NAMES_OF_DEFINITIONS = (
    *("code", "name", "property_type", "vocabulary", "material_type", "sample_type"),
    *("registrator", "plugin", "validation_plugin", "generated_code_prefix"),
)


def _excesses(entity: Entity) -> Iterator[str]:
    yield from _names(entity)
    yield from _dates(entity)
    for code in entity.properties:
        yield from _too_long("the code of a property", code, CODE_BYTES)
    for connection in entity.connections:
        yield from _too_long("the perm id of a connection", connection.to, PERM_ID_BYTES)
    for attachment in entity.attachments:
        yield from _attachment(attachment)
    for file in entity.files:
        yield from _file(file)
    for folder in entity.empty_folders:
        yield from _path("the path of a folder", folder)
    for copy in entity.content_copies:
        yield from _copy(copy)
    for unknown in entity.unknown:
        yield from _unknown(unknown)


def _dates(entity: Entity) -> Iterator[str]:
    yield from _date("the registration date", entity.registered)
    yield from _date("the modification date", entity.modified)
    if entity.immutable_since:
        yield from _date("the time of immutable data", entity.immutable_since)


def _names(entity: Entity) -> Iterator[str]:
    code = DATA_SET_CODE_BYTES if entity.data_set_kind else CODE_BYTES
    yield from _too_long("the code", entity.code, code)
    yield from _too_long("the perm id", entity.perm_id, PERM_ID_BYTES)
    for what, place in (("the space", entity.space), ("the project", entity.project)):
        yield from _without_slash(what, place)
    if entity.kind in _PLACED:
        yield from _without_slash("the code", entity.code)
    for what, text in (
        *(("the type", entity.type), ("the space", entity.space), ("the project", entity.project)),
        *(("the registrator", entity.registrator), ("the modifier", entity.modifier)),
    ):
        yield from _too_long(what, text, CODE_BYTES)
    yield from _too_long("the experiment", entity.experiment, IDENTIFIER_BYTES)
    yield from _too_long("the sample", entity.sample, IDENTIFIER_BYTES)


# Kinds whose code stands between the slashes of an identifier.
_PLACED = frozenset({Kind.SPACE, Kind.PROJECT, Kind.EXPERIMENT, Kind.SAMPLE})


def _without_slash(what: str, text: str | None) -> tuple[str, ...]:
    if text is None or "/" not in text:
        return ()
    return (f"{what} {shortened(text, 400)!r} contains a slash, which ends a code",)


def _attachment(attachment: Attachment) -> Iterator[str]:
    what = f"attachment {shortened(attachment.file_name)!r}:"
    yield from _too_long(f"{what} the file name", attachment.file_name, FILE_NAME_BYTES)
    if len(attachment.versions) > VERSIONS:
        yield f"{what} it has {len(attachment.versions):,} versions, over {VERSIONS:,}"
    for version in attachment.versions:
        if not 0 <= version.version <= NUMBER:
            yield f"{what} the version {version.version} is not between 0 and {NUMBER:,}"
        yield from _too_long(f"{what} the registrator", version.registrator, CODE_BYTES)
        yield from _too_long(f"{what} the href", version.href, LINK_TEXT_BYTES)
        yield from _length(version.length, what)
        if version.registered:
            yield from _date(f"{what} the registration date", version.registered)


def _file(file: FileNode) -> Iterator[str]:
    yield from _path("the path of a file", file.path)
    yield from _length(file.length, f"file {shortened(file.path)!r}:")
    yield from _too_long("the href of a file", file.href, LINK_TEXT_BYTES)
    yield from _too_long("the checksum of a file", file.checksum, CODE_BYTES)
    if file.modified:
        yield from _date(f"file {shortened(file.path)!r}: the modification date", file.modified)


def _copy(copy: ContentCopy) -> Iterator[str]:
    yield from _too_long("the data management system of a copy", copy.external_dms, CODE_BYTES)
    for text in (copy.path, copy.external_code, copy.git_commit_hash, copy.git_repository_id):
        yield from _too_long("a text of a content copy", text, LINK_TEXT_BYTES)
    yield from _too_long("the id of a content copy", copy.id, LINK_TEXT_BYTES)


def _unknown(unknown: Unknown) -> Iterator[str]:
    yield from _too_long(f"what is unknown of {unknown.part}", unknown.detail, LINK_TEXT_BYTES)


def _too_long(what: str, text: str | None, most: int) -> tuple[str, ...]:
    if text is None or not is_longer(text, most):
        return ()
    length = len(text.encode("utf-8", "replace"))
    return (f"{what} has {length:,} bytes, over {most:,}: {shortened(text, 400)!r}",)


def _path(what: str, path: str) -> Iterator[str]:
    yield from _too_long(what, path, PATH_BYTES)
    if path.count("/") >= PATH_PARTS:
        yield f"{what} has over {PATH_PARTS} parts: {shortened(path, 400)!r}"
    if is_longer(path, NAME_BYTES):
        for name in path.split("/"):
            yield from _too_long(f"a name in {what}", name, NAME_BYTES)


def _length(length: int | None, what: str = "") -> tuple[str, ...]:
    if length is None or length <= LENGTH:
        return ()
    return (f"{what} the length {length} is over {LENGTH:,} bytes".strip(),)


def _date(what: str, moment: datetime) -> tuple[str, ...]:
    if EARLIEST <= moment <= LATEST:
        return ()
    return (f"{what} {moment.isoformat()} is not between {EARLIEST:%Y}-01-02 and 9999-12-30",)
