"""Writes the ``x:binaryData`` of an entity: attachments, files of data sets, content copies."""

from __future__ import annotations

from urllib.parse import quote

from shared.model.entities import Attachment, AttachmentVersion, ContentCopy, Entity, FileNode
from shared.model.kinds import DataSetKind, Kind
from shared.resourcesync.addresses import Addresses
from shared.resourcesync.escaping import attribute
from shared.resourcesync.terms import SHA256
from shared.resourcesync.timestamps import format_file_time, optional_timestamp


def attachments(addresses: Addresses, entity: Entity) -> str:
    """The block of an entity that has attachments; the original writes no empty one."""
    parts = "".join(_attachment(addresses, entity, each) for each in entity.attachments)
    return f"<x:binaryData>{parts}</x:binaryData>"


def data_set_content(addresses: Addresses, entity: Entity) -> str:
    """The block of a PHYSICAL or LINK data set, perhaps an empty one; nothing for CONTAINER."""
    if entity.data_set_kind is DataSetKind.CONTAINER:
        return ""
    served = entity.data_set_kind is DataSetKind.PHYSICAL
    copies = "".join(map(_content_copy, () if served else entity.content_copies))
    nodes = "".join(_file_node(addresses, entity, node, served=served) for node in entity.files)
    folders = "".join(map(_folder, entity.empty_folders)) if entity.is_afs else ""
    inner = copies + nodes + folders
    return f"<x:binaryData>{inner}</x:binaryData>" if inner else "<x:binaryData/>"


def _attachment(addresses: Addresses, entity: Entity, held: Attachment) -> str:
    latest = held.latest
    attributes = (
        attribute("description", latest.description),
        attribute("fileName", held.file_name),
        attribute("latestVersion", str(latest.version)),
        attribute("permLink", _perm_link(addresses, entity, held)),
        attribute("title", latest.title),
    )
    versions = "".join(_version(addresses, entity, held.file_name, v) for v in held.versions)
    return f"<x:attachment{''.join(attributes)}>{versions}</x:attachment>"


def _perm_link(addresses: Addresses, entity: Entity, held: Attachment) -> str:
    """A link into openBIS's user interface, no download; projects are named by code and space."""
    if entity.kind is Kind.PROJECT:
        holder = f"code={entity.code}&space={entity.space}"
    else:
        holder = f"permId={entity.perm_id}"
    return (
        f"{addresses.server_url}/index.html?viewMode=SIMPLE#action=DOWNLOAD_ATTACHMENT"
        f"&file={quote(held.file_name, safe='')}&version={held.latest.version}"
        f"&entity={entity.kind.value}&{holder}"
    )


def _version(
    addresses: Addresses, entity: Entity, file_name: str, version: AttachmentVersion
) -> str:
    """An addition of openbis-sync: the original announces only the latest version, without a
    checksum. A version without checksum has no content here, and so no link."""
    address = addresses.attachment(entity.kind, entity.perm_id, file_name, version.version)
    attributes = (
        attribute("number", str(version.version)),
        attribute("title", version.title),
        attribute("description", version.description),
        attribute("registrator", version.registrator),
        attribute("registration-timestamp", optional_timestamp(version.registered)),
        attribute("length", None if version.length is None else str(version.length)),
        attribute("checksum", None if version.sha256 is None else SHA256 + version.sha256),
        attribute("href", address if version.sha256 else None),
    )
    return f"<x:version{''.join(attributes)}/>"


def _file_node(addresses: Addresses, entity: Entity, node: FileNode, *, served: bool) -> str:
    code = entity.code
    attributes = (
        attribute("checksum", node.checksum),
        "" if node.crc32 is None else f' crc32checksum="{node.crc32}"',
        f' length="{node.length}"',
        "" if node.modified is None else f' modified="{format_file_time(node.modified)}"',
        attribute("path", addresses.data_set_file_name(code, node.path)),
        attribute("href", addresses.data_set_file(code, node.path)) if served else "",
    )
    return f"<x:fileNode{''.join(attributes)}/>"


def _folder(path: str) -> str:
    """An empty folder of AFS data."""
    return f"<x:folder{attribute('path', path)}/>"


def _content_copy(copy: ContentCopy) -> str:
    attributes = (
        attribute("externalCode", copy.external_code),
        attribute("externalDMS", copy.external_dms),
        attribute("gitCommitHash", copy.git_commit_hash),
        attribute("gitRepositoryId", copy.git_repository_id),
        attribute("id", copy.id),
        attribute("path", copy.path),
    )
    return f"<x:contentCopy{''.join(attributes)}/>"
