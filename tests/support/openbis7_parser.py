"""A strict model of how a harvester of openBIS 7 reads a resource list: it raises `RefusedError`
for what ends that harvester's run, and for what would make it delete or miss something.

It is written from what is known of the original's parser (openbis-7-sync.md, 3), and shares nothing
with the writer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from lxml import etree

from shared.resourcesync.terms import RS, SITEMAP, XMD, X

DATA_TYPES = frozenset(
    (
        *("INTEGER", "VARCHAR", "MULTILINE_VARCHAR", "REAL", "TIMESTAMP", "BOOLEAN"),
        *("CONTROLLEDVOCABULARY", "HYPERLINK", "XML", "SAMPLE", "DATE", "JSON"),
        *("ARRAY_INTEGER", "ARRAY_REAL", "ARRAY_STRING", "ARRAY_TIMESTAMP"),
    )
)
PLUGIN_KINDS = frozenset({"EXPERIMENT", "SAMPLE", "DATA_SET", "All", ""})
BLOCKS = (
    *("validationPlugins", "controlledVocabularies", "propertyTypes", "objectTypes"),
    *("collectionTypes", "dataSetTypes", "externalDataManagementSystems", "typeGroups"),
)
TYPES = {"SAMPLE": "objectType", "EXPERIMENT": "collectionType", "DATA_SET": "dataSetType"}
KINDS = ("SPACE", "PROJECT", "EXPERIMENT", "SAMPLE", "DATA_SET", "FILE")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


class RefusedError(AssertionError):
    """The list is not taken."""


def check(condition: object, why: str) -> None:
    if not condition:
        raise RefusedError(why)


@dataclass(kw_only=True)
class ParsedList:
    """What the harvester would work with. ``afs`` are the blocks by the perm id of the owner."""

    afs_url: str | None
    master_data: etree._Element
    entities: dict[tuple[str, str], etree._Element] = field(default_factory=dict)
    afs: dict[str, etree._Element] = field(default_factory=dict)

    def perm_ids(self, kind: str) -> set[str]:
        return {perm_id for its, perm_id in self.entities if its == kind}

    def codes(self, element: str) -> set[str]:
        return {str(each.get("code")) for each in self.master_data.iter(_xmd(element))}


def parsed(document: bytes) -> ParsedList:
    check(b"<!DOCTYPE" not in document, "a DOCTYPE")
    root = etree.fromstring(document)
    links = [link for link in root.iter(f"{{{RS}}}ln") if link.get("rel") == "afs-service-url"]
    masters = list(root.iter(_xmd("masterData")))
    check(len(masters) == 1, f"{len(masters)} master data")
    found = ParsedList(afs_url=str(links[0].get("href")) if links else None, master_data=masters[0])
    _check_master_data(masters[0])
    kinds = []
    for url in root.iter(f"{{{SITEMAP}}}url"):
        xd = url.find(f"{{{X}}}xd")
        if xd is not None:
            kinds.append(str(xd.get("kind")))
            _take(found, url, xd)
    check(kinds == sorted(kinds, key=KINDS.index), "kinds are not in their order")
    for (kind, perm_id), xd in found.entities.items():
        _check_entity(found, kind, perm_id, xd)
    return found


def _take(found: ParsedList, url: etree._Element, xd: etree._Element) -> None:
    kind = str(xd.get("kind"))
    check(kind in KINDS, f"the kind {kind}")
    if kind == "FILE":
        return
    loc = str(url.findtext(f"{{{SITEMAP}}}loc"))
    perm_id = loc.rsplit("/", 2)[1]
    check((kind, perm_id) not in found.entities, f"{perm_id} twice")
    found.entities[kind, perm_id] = xd


def _xmd(name: str) -> str:
    return f"{{{XMD}}}{name}"


def _check_master_data(master_data: etree._Element) -> None:
    names = [etree.QName(block).localname for block in master_data]
    check(names == sorted(set(names), key=BLOCKS.index), f"the blocks {names}")
    check("MATERIAL" not in etree.tostring(master_data).decode(), "materials")
    vocabularies = {each.get("code") for each in master_data.iter(_xmd("controlledVocabulary"))}
    plugins = {each.get("name") for each in master_data.iter(_xmd("validationPlugin"))}
    for plugin in master_data.iter(_xmd("validationPlugin")):
        kinds = str(plugin.get("entityKind", "")).split(", ")
        check(set(kinds) <= PLUGIN_KINDS, f"a plugin for {kinds}")
    for each in master_data.iter(_xmd("propertyType")):
        check(each.get("dataType") in DATA_TYPES, f"the type {each.get('dataType')}")
        check(each.get("vocabulary") in {None, *vocabularies}, f"{each.get('vocabulary')}")
        check(each.get("multiValue") in {None, "true", "false"}, "multiValue")
    declared = {each.get("code") for each in master_data.iter(_xmd("propertyType"))}
    for each in master_data.iter(_xmd("propertyAssignment")):
        check(each.get("propertyTypeCode") in declared, f"{each.get('propertyTypeCode')}")
        check(each.get("plugin") in {None, *plugins}, f"the plugin {each.get('plugin')}")
        check(each.get("unique") in {None, "true", "false"}, "unique")
    for element in TYPES.values():
        for each in master_data.iter(_xmd(element)):
            check(each.get("validationPlugin") in {None, *plugins}, "a validation plugin")
    for each in master_data.iter(_xmd("metaData")):
        keys = [entry.get("key") for entry in each]
        check(all(entry.tag == _xmd("entry") for entry in each), "no entry of meta data")
        check(None not in keys and len(keys) == len(set(keys)), "keys of meta data")
    groups = [each.get("code") for each in master_data.iter(_xmd("typeGroup"))]
    check(len(groups) == len(set(groups)), "a group twice")
    samples = {each.get("code") for each in master_data.iter(_xmd("objectType"))}
    for each in master_data.iter(_xmd("typeGroupAssignment")):
        check(each.get("objectTypeCode") in samples, "a group of what is not there")


def _check_entity(found: ParsedList, kind: str, perm_id: str, xd: etree._Element) -> None:
    check(xd.get("registrator"), f"{perm_id} has no registrator")
    for name in ("registration-timestamp", "immutable-data-timestamp"):
        time = xd.get(name)
        missing = name == "immutable-data-timestamp"
        check((missing and time is None) or _TIME.fullmatch(str(time)), f"{perm_id}: {name}")
    if kind in TYPES:
        check(xd.get("type") in found.codes(TYPES[kind]), f"the type {xd.get('type')}")
    check(xd.get("type") != "AFS_DATA", f"AFS data as a data set: {perm_id}")
    _check_properties(found, xd)
    _check_places(found, kind, xd)
    for each in xd.iter(f"{{{X}}}connection"):
        target = "DATA_SET" if each.get("type") == "Connection" else kind
        check((target, each.get("to")) in found.entities, f"a connection to {each.get('to')}")
    blocks = [each for each in xd.findall(f"{{{X}}}binaryData") if each.get("source") == "afs"]
    check(len(blocks) <= 1, "two AFS blocks")
    for block in blocks:
        check(kind in {"SAMPLE", "EXPERIMENT"} and block is xd[-1], "the place of an AFS block")
        _check_afs(block)
        found.afs[perm_id] = block


def _check_properties(found: ParsedList, xd: etree._Element) -> None:
    types = {
        str(each.get("code")).removeprefix("$"): each.get("dataType")
        for each in found.master_data.iter(_xmd("propertyType"))
    }
    for each in xd.iter(f"{{{X}}}property"):
        code = str(each.findtext(f"{{{X}}}code")).removeprefix("$")
        check(code in types, f"the property {code} is not declared")
        values = each.findall(f"{{{X}}}value")
        check(len(values) == 1, f"the property {code} has {len(values)} values")
        if types[code] == "SAMPLE":
            check(("SAMPLE", values[0].text) in found.entities, f"the sample {values[0].text}")


def _check_places(found: ParsedList, kind: str, xd: etree._Element) -> None:
    """A peer that registers an entity needs its space, project and experiment."""
    space, project = xd.get("space"), xd.get("project")
    check(space is None or ("SPACE", space) in found.entities, f"the space {space}")
    projects = {
        (each.get("space"), each.get("code"))
        for (its, _), each in found.entities.items()
        if its == "PROJECT"
    }
    check(project is None or (space, project) in projects, f"the project {project}")
    experiments = {
        f"/{each.get('space')}/{each.get('project')}/{each.get('code')}"
        for (its, _), each in found.entities.items()
        if its == "EXPERIMENT"
    }
    check(xd.get("experiment") in {None, *experiments}, f"the experiment {xd.get('experiment')}")
    if kind == "DATA_SET" and xd.get("sample") is not None:
        code = re.split("[/:]", str(xd.get("sample")))[-1]
        codes = {each.get("code") for (its, _), each in found.entities.items() if its == "SAMPLE"}
        check(code in codes, f"the sample {xd.get('sample')}")


def _check_afs(block: etree._Element) -> None:
    check(len(block), "an empty AFS block")
    files = [str(each.get("path")) for each in block.iter(f"{{{X}}}fileNode")]
    for node in block:
        path = str(node.get("path"))
        check(path.startswith("/") and not path.endswith("/"), f"the path {path}")
        check(not path.startswith("/.afs-sync-backup-"), "a working folder")
        if node.tag == f"{{{X}}}dirNode":
            check(not any(file.startswith(f"{path}/") for file in files), f"{path} is not empty")
        else:
            check(re.fullmatch("[0-9]+", str(node.get("length"))), "a length")
            check(re.fullmatch("[0-9a-f]{32}", str(node.get("hash"))), "a hash")
            check(node.get("lastModified"), "a time")
