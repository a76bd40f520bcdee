"""The three documents of openBIS 7's data source, written by hand and not by the project's code."""

from __future__ import annotations

import binascii
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.sax.saxutils import escape, quoteattr

from tests.support.openbis7.definitions import master_data
from tests.support.openbis7.faults import Faults
from tests.support.openbis7.lab import MODIFIED, REGISTERED, AfsFile, Lab, Thing
from tests.support.openbis7.walk import BrokenWalkError

_OPENING = (
    "<?xml version='1.0' encoding='UTF-8'?>"
    '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
    ' xmlns:rs="http://www.openarchives.org/rs/terms/"'
    ' xmlns:xmd="https://sis.id.ethz.ch/software/#openbis/xmdterms/"'
    ' xmlns:x="https://sis.id.ethz.ch/software/#openbis/xdterms/"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    ' xsi:schemaLocation="https://sis.id.ethz.ch/software/#openbis/xdterms/ ./xml/xdterms.xsd'
    ' https://sis.id.ethz.ch/software/#openbis/xmdterms/">'
)
_CLOSING = "</urlset>"
# The kinds of a list in their order, by the kinds of roots.
_KINDS = {
    "SPACE": "SPACE",
    "PROJECT": "PROJECT",
    "EXPERIMENT": "EXPERIMENT",
    "SAMPLE": "SAMPLE",
    "DATASET": "DATA_SET",
}


def moment(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def java_moment(time: datetime) -> str:
    """As Java's OffsetDateTime: without seconds that are zero, with as many digits as needed."""
    time = time.astimezone(UTC)
    if time.microsecond:
        digits = f"{time.microsecond:06}".removesuffix("000")
        return f"{time:%Y-%m-%dT%H:%M:%S}.{digits}Z"
    return f"{time:%Y-%m-%dT%H:%M:%SZ}" if time.second else f"{time:%Y-%m-%dT%H:%MZ}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Documents:
    """``url`` is the address of data source and application server; ``afs`` that of AFS."""

    lab: Lab
    faults: Faults
    url: str
    afs: str

    def about(self) -> bytes:
        return self._document("about.xml", "describedby", '<rs:md capability="description"/>')

    def capability_list(self) -> bytes:
        return self._document("about.xml", "up", '<rs:md capability="capabilitylist"/>')

    def resource_list(self, things: Iterable[Thing]) -> bytes:
        """Raises `BrokenWalkError` for what openBIS 7 cannot list."""
        things = list(things)
        now = moment(datetime.now(UTC))
        parts = [self._head("capabilitylist.xml", "up")]
        parts.append(f'<rs:md at="{now}" capability="resourcelist"/>')
        loc = f"{self.url}/MASTER_DATA/MASTER_DATA/M"
        parts.append(f"<url><loc>{loc}</loc><lastmod>{now}</lastmod>")
        parts.append(master_data(self.lab, things, self.faults))
        parts.append("</url>")
        for kind in _KINDS:
            of_kind = sorted((thing for thing in things if thing.kind == kind), key=self._place)
            parts += [self._entry(thing, things) for thing in of_kind]
        if self.faults.afs_data_sets:
            parts += [self._afs_data_set(thing) for thing in things if thing.afs is not None]
        return "".join([*parts, _CLOSING]).encode()

    def _place(self, thing: Thing) -> bytes:
        """A place in an order that nobody can rely on."""
        return hashlib.sha256(f"{self.faults.order} {thing.perm_id}".encode()).digest()

    def _document(self, target: str, relation: str, head: str) -> bytes:
        named = ("capabilitylist", "resourcelist")
        entries = "".join(
            f"<url><loc>{self.url}/datastore_server/re-sync/?verb={one}.xml</loc>"
            f'<rs:md capability="{one}"/></url>'
            for one in named
        )
        return f"{self._head(target, relation)}{head}{entries}{_CLOSING}".encode()

    def _head(self, target: str, relation: str) -> str:
        """With the address of AFS, if it is configured, between the link and ``rs:md``."""
        href = f"{self.url}/datastore_server/re-sync/?verb={target}"
        head = f'{_OPENING}<rs:ln href="{href}" rel="{relation}"/>'
        if self.faults.afs_is_not_configured:
            return head
        address = quoteattr(self.faults.afs_address or self.afs)
        return f'{head}<rs:ln href={address} rel="afs-service-url"/>'

    def _entry(self, thing: Thing, things: list[Thing]) -> str:
        return self._url(thing.kind, thing.perm_id, thing.modified, self._xd(thing, things))

    def _url(self, kind: str, perm_id: str, modified: datetime, xd: str) -> str:
        named = _KINDS[kind]
        gui = f"{self.url}?viewMode=SIMPLE&amp;anonymous=true#entity={named}&amp;permId={perm_id}"
        return (
            f"<url><loc>{self.url}/{named}/{perm_id}/M</loc><lastmod>{moment(modified)}</lastmod>"
            f'<rs:ln href="{gui}" rel="describes"/>{xd}</url>'
        )

    def _xd(self, thing: Thing, things: list[Thing]) -> str:
        attributes = "".join(
            f" {name}={quoteattr(value)}" for name, value in self._attributes(thing) if value
        )
        children = "".join(self._children(thing, things))
        return f"<x:xd{attributes}>{children}</x:xd>" if children else f"<x:xd{attributes}/>"

    def _attributes(self, thing: Thing) -> Iterator[tuple[str, str | None]]:
        yield "code", thing.code
        yield "desc", thing.description
        yield "dsKind", "PHYSICAL" if thing.kind == "DATASET" else None
        yield "immutable-data-timestamp", moment(thing.immutable) if thing.immutable else None
        yield "experiment", self._named("EXPERIMENT", thing.experiment)
        yield "kind", _KINDS[thing.kind]
        yield "modifier", "otto"
        yield "project", thing.project if thing.kind != "PROJECT" else None
        yield "registration-timestamp", moment(REGISTERED)
        yield "registrator", "mira"
        yield "sample", self._named("SAMPLE", thing.sample)
        yield "space", thing.space if thing.kind not in {"SPACE", "DATASET"} else None
        yield "type", thing.type

    def _named(self, kind: str, perm_id: str | None) -> str | None:
        return self.lab.things[kind, perm_id].identifier if perm_id else None

    def _children(self, thing: Thing, things: list[Thing]) -> Iterator[str]:
        if thing.properties:
            yield f"<x:properties>{''.join(self._properties(thing))}</x:properties>"
        if thing.kind == "DATASET":
            yield self._files(thing)
        if connections := list(self._connections(thing, things)):
            yield f"<x:connections>{''.join(connections)}</x:connections>"
        if block := self._afs_block(thing):
            yield block

    def _properties(self, thing: Thing) -> Iterator[str]:
        for code, value in thing.properties.items():
            data_type = self.lab.defined[code].data_type
            if data_type.startswith("ARRAY_") or not isinstance(value, str):
                raise BrokenWalkError("java.lang.ClassCastException: Serializable[] to String")
            yield (
                f"<x:property><x:code>{code}</x:code><x:value>{escape(value)}</x:value>"
                "</x:property>"
            )

    def _connections(self, thing: Thing, things: list[Thing]) -> Iterator[str]:
        """Children and components of samples are cut to the selection; data sets are not."""
        listed = {(each.kind, each.perm_id) for each in things}
        for child in self.lab.of(thing.kind):
            cut = thing.kind == "SAMPLE" and (child.kind, child.perm_id) not in listed
            if thing.perm_id in child.parents and not cut:
                yield f'<x:connection to="{child.perm_id}" type="Child"/>'
        for perm_id in thing.components:
            if ("SAMPLE", perm_id) in listed:
                yield f'<x:connection to="{perm_id}" type="Component"/>'
        if thing.kind == "SAMPLE":
            for data_set in self.lab.of("DATASET"):
                if data_set.sample == thing.perm_id:
                    yield f'<x:connection to="{data_set.perm_id}" type="Connection"/>'

    def _files(self, thing: Thing) -> str:
        """Paths are addresses that end with ``?``, and checksums are signed."""
        nodes = "".join(
            f'<x:fileNode crc32checksum="{_signed(binascii.crc32(content))}"'
            f' length="{len(content)}"'
            f" path={quoteattr(f'{self.url}/datastore_server/{thing.code}/{path}?')}/>"
            for path, content in thing.files.items()
        )
        return f"<x:binaryData>{nodes}</x:binaryData>"

    def _afs_block(self, thing: Thing) -> str:
        """Nothing for an owner without content, and none at all if AFS is not configured."""
        if self.faults.afs_is_not_configured or not (thing.afs or thing.empty_folders):
            return ""
        if self.faults.list_sees_no_afs:
            raise BrokenWalkError("java.lang.RuntimeException: AFS does not answer")
        nodes = "".join(_node(path, file) for path, file in (thing.afs or {}).items())
        folders = "".join(f"<x:dirNode path={quoteattr(path)}/>" for path in thing.empty_folders)
        return f'<x:binaryData source="afs">{nodes}{folders}</x:binaryData>'

    def _afs_data_set(self, owner: Thing) -> str:
        data_set = Thing(
            kind="DATASET",
            code=owner.perm_id,
            perm_id=owner.perm_id,
            type="AFS_DATA",
            **{owner.kind.lower(): owner.perm_id},  # type: ignore[arg-type]
        )
        xd = self._xd(data_set, [])
        return self._url("DATASET", owner.perm_id, MODIFIED, xd)


def md5(file: AfsFile) -> str:
    """What AFS says of it."""
    return file.hash or hashlib.md5(file.content, usedforsecurity=False).hexdigest()


def _node(path: str, file: AfsFile) -> str:
    return (
        f'<x:fileNode path={quoteattr(path)} length="{len(file.content)}"'
        f' lastModified="{java_moment(file.modified)}" hash="{md5(file)}"/>'
    )


def _signed(number: int) -> int:
    return number - 2**32 if number >= 2**31 else number
