"""Reads the ``x:binaryData`` of an entity: attachments, files of data sets, content copies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lxml.etree import _Element

from shared.model.entities import Attachment, AttachmentVersion, ContentCopy, FileNode
from shared.model.ids import Code
from shared.resourcesync.addresses import DATA_STORE_PATH
from shared.resourcesync.attributes import (
    UnreadableError,
    attributes_of,
    file_time,
    length,
    moment,
    name_of_file,
    needed,
    number,
    sha256,
    verbatim,
    word,
)
from shared.resourcesync.names import name_of

_TWO_TO_32 = 2**32


def read_attachments(blocks: Iterable[_Element]) -> tuple[Attachment, ...]:
    attachments: dict[str, Attachment] = {}
    for element in _members(blocks, "x:attachment"):
        attachment = _attachment(element)
        if attachment.file_name in attachments:
            raise UnreadableError(f"the attachment {attachment.file_name!r} is listed twice")
        attachments[attachment.file_name] = attachment
    return tuple(attachments.values())


def read_file_nodes(blocks: Iterable[_Element], code: str) -> tuple[FileNode, ...]:
    return tuple(_file_node(element, code) for element in _members(blocks, "x:fileNode"))


def read_folders(blocks: Iterable[_Element]) -> tuple[str, ...]:
    """The paths of the empty folders of AFS data, sorted. A path that leads out is kept here, and
    refused when the folder is to be made."""
    return tuple(sorted({_folder(element) for element in _members(blocks, "x:folder")}))


def read_content_copies(blocks: Iterable[_Element]) -> tuple[ContentCopy, ...]:
    return tuple(_content_copy(element) for element in _members(blocks, "x:contentCopy"))


def _members(blocks: Iterable[_Element], name: str) -> Iterator[_Element]:
    for block in blocks:
        for element in block:
            if name_of(element) == name:
                yield element


def _attachment(element: _Element) -> Attachment:
    attributes = attributes_of(element)
    file_name = name_of_file(attributes, "fileName")
    if file_name is None:
        raise UnreadableError("an attachment has no fileName")
    try:
        versions = {v.version: v for v in map(_version, element) if v is not None}
        if not versions:
            latest = _latest_version(attributes)
            versions[latest.version] = latest
    except UnreadableError as error:
        raise UnreadableError(f"attachment {file_name!r}: {error}") from error
    return Attachment(file_name=file_name, versions=tuple(versions[n] for n in sorted(versions)))


def _latest_version(attributes: dict[str, str]) -> AttachmentVersion:
    """The only version that the original announces."""
    return AttachmentVersion(
        version=number(attributes, "latestVersion"),
        title=verbatim(attributes, "title"),
        description=verbatim(attributes, "description"),
    )


def _version(element: _Element) -> AttachmentVersion | None:
    if name_of(element) != "x:version":
        return None
    attributes = attributes_of(element)
    return AttachmentVersion(
        version=number(attributes, "number"),
        title=verbatim(attributes, "title"),
        description=verbatim(attributes, "description"),
        registrator=word(attributes, "registrator"),
        registered=moment(attributes, "registration-timestamp"),
        length=length(attributes) if word(attributes, "length") else None,
        sha256=sha256(attributes),
        href=word(attributes, "href"),
    )


def _file_node(element: _Element, code: str) -> FileNode:
    attributes = attributes_of(element)
    path = _relative_path(attributes.get("path", ""), code)
    try:
        return FileNode(
            path=path,
            length=length(attributes),
            crc32=_crc32(attributes),
            checksum=_checksum(attributes),
            modified=file_time(attributes, "modified"),
            href=word(attributes, "href"),
        )
    except UnreadableError as error:
        raise UnreadableError(f"file {path!r}: {error}") from error


def _folder(element: _Element) -> str:
    path = name_of_file(attributes_of(element), "path")
    if path is None:
        raise UnreadableError("an empty folder has no path")
    return path


def _relative_path(path: str, code: str) -> str:
    """The original sends an address that ends with ``?``; a bare path is taken unchanged.

    A path that leads out of the data set's folder is kept here, and refused when its file is to be
    written.
    """
    _, head, relative = path.partition(f"{DATA_STORE_PATH}/{code}/")
    return relative.removesuffix("?") if head else path


def _crc32(attributes: dict[str, str]) -> int | None:
    """The original writes a signed number, its parser reads an unsigned one; both are read."""
    if word(attributes, "crc32checksum") is None:
        return None
    value = number(attributes, "crc32checksum")
    if not -_TWO_TO_32 // 2 <= value < _TWO_TO_32:
        raise UnreadableError(f"the attribute crc32checksum is {value}, which needs over 32 bits")
    return value % _TWO_TO_32


def _checksum(attributes: dict[str, str]) -> str | None:
    """Anything but ``<type>:<value>`` is ignored, as by the original."""
    value = word(attributes, "checksum")
    kind, _, digest = (value or "").partition(":")
    return value if kind and digest and ":" not in digest else None


def _content_copy(element: _Element) -> ContentCopy:
    attributes = attributes_of(element)
    return ContentCopy(
        external_dms=Code(needed(attributes, "externalDMS")),
        external_code=word(attributes, "externalCode"),
        path=verbatim(attributes, "path"),
        git_commit_hash=word(attributes, "gitCommitHash"),
        git_repository_id=word(attributes, "gitRepositoryId"),
        id=word(attributes, "id"),
    )
