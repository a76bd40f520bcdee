"""What a step did, as the original shows it: a short summary in a box, and lists of items.

/-------------- Register data sets
|       3 data sets ADDED
|                2 physical data sets ADDED
|       1 items FAILED
\\______________
"""

from __future__ import annotations

from collections.abc import Iterator

from harvester.runs.report import Group, Outcome, Verb
from shared.model.unknown import Part

WIDTH = 60
_HEAD, _FOOT = "/--------------", "\\______________"
_DASHES = "-" * WIDTH
_INDENT = " " * 10

# The original's words; the others are ours, in capitals.
_OPERATIONS = {Verb.CREATED: "ADDED", Verb.DELETED: "REMOVED"}

# Sorts that are written in capitals, too.
_ABBREVIATIONS = frozenset({"AFS"})

# In the order in which they are shown.
_NOUNS = {
    "FILE_FORMAT_TYPE": "file format types",
    "PLUGIN": "plugins",
    "VOCABULARY": "vocabularies",
    "TERM": "terms",
    "PROPERTY_TYPE": "property types",
    "SAMPLE_TYPE": "sample types",
    "EXPERIMENT_TYPE": "experiment types",
    "DATA_SET_TYPE": "data set types",
    "MATERIAL_TYPE": "material types",
    "PROPERTY_ASSIGNMENT": "property assignments",
    "EXTERNAL_DMS": "external data management systems",
    "TYPE_GROUP": "type groups",
    "TYPE_GROUP_MEMBER": "members of type groups",
    "SPACE": "spaces",
    "PROJECT": "projects",
    "EXPERIMENT": "experiments",
    "SAMPLE": "samples",
    "MATERIAL": "materials",
    "DATA_SET": "data sets",
    "ATTACHMENT": "attachments",
    "FILE": "files of the file service",
    "DATA_SET_CONTENT": "contents of data sets",
    "PROJECT_ATTACHMENTS": "attachments of projects",
    "EXPERIMENT_ATTACHMENTS": "attachments of experiments",
    "SAMPLE_ATTACHMENTS": "attachments of samples",
    "FILE_CONTENT": "contents of files of the file service",
    "USER": "users",
    "MANUFACTURER": "manufacturers",
    "DEVICE_TEMPLATE": "device templates",
    "PICTURE": "pictures",
    "SUBMISSION": "submissions",
}

# Kinds that are shown together, with what belongs to them.
_FAMILIES = {
    "TERM": "VOCABULARY",
    "PROPERTY_ASSIGNMENT": "MATERIAL_TYPE",
    "TYPE_GROUP_MEMBER": "TYPE_GROUP",
} | dict.fromkeys(("SAMPLE_TYPE", "EXPERIMENT_TYPE", "DATA_SET_TYPE"), "MATERIAL_TYPE")
# They are shown as a detail of what they belong to.
_DETAILS = frozenset({"TERM", "PROPERTY_ASSIGNMENT", "TYPE_GROUP_MEMBER"})


def short_summary(title: str, outcome: Outcome) -> Iterator[str]:
    """The box; always the same lines in the same order."""
    yield f"{_HEAD} {title}"
    body = list(_body(outcome))
    yield from body or ["|         nothing to do"]
    yield _FOOT


def _body(outcome: Outcome) -> Iterator[str]:
    for kind, verb, _ in sorted(((*key, "") for key in outcome.counts), key=_rank):
        number = outcome.counts[kind, verb]
        space = _INDENT if kind in _DETAILS else " "
        yield f"|{space}{number:>7} {called((kind, verb, ''))}"
        for group in _sorts(outcome, kind, verb):
            yield f"|{_INDENT}{outcome.sorts[group]:>7} {called(group)}"
    if outcome.failed:
        yield f"| {len(outcome.failed):>7} items FAILED"
    if number := sum(n for (part, _), n in outcome.unknown.items() if part is Part.FILES):
        yield f"| {number:>7} data sets WAIT FOR FILES that the data source cannot give now"
    if outcome.postponed:
        yield f"| {len(outcome.postponed):>7} items POSTPONED, because they failed lately"


def figures(outcome: Outcome) -> dict[str, object]:
    """The counts of a step as values for programs."""
    counts: list[dict[str, object]] = []
    for (kind, verb), number in sorted(outcome.counts.items()):
        told: dict[str, object] = {"kind": kind, "verb": verb, "number": number}
        if sorts := {g[2]: outcome.sorts[g] for g in _sorts(outcome, kind, verb)}:
            told["of_which"] = sorts
        counts.append(told)
    found: dict[str, object] = {
        "changes": outcome.changes,
        "counts": counts,
        "failed": len(outcome.failed),
        "postponed": len(outcome.postponed),
    }
    if outcome.unknown:
        found["unknown"] = [
            {"part": part, "reason": reason, "number": number}
            for (part, reason), number in sorted(outcome.unknown.items())
        ]
    return found


def _sorts(outcome: Outcome, kind: str, verb: Verb) -> list[Group]:
    return sorted(group for group in outcome.sorts if group[:2] == (kind, verb))


def groups(outcome: Outcome) -> list[Group]:
    """The items that have names, in the order of the summary."""
    return sorted(outcome.names, key=_rank)


def title_lines(title: str) -> tuple[str, str, str]:
    """A title between two lines of dashes."""
    return _DASHES, title, _DASHES


def called(group: Group) -> str:
    """``physical data sets ADDED``."""
    kind, verb, sort = group
    noun = _NOUNS.get(kind) or kind.lower().replace("_", " ")
    operation = _OPERATIONS.get(verb, verb.upper())
    which = sort if sort in _ABBREVIATIONS else sort.lower()
    return f"{which} {noun} {operation}" if sort else f"{noun} {operation}"


def _rank(group: Group) -> tuple[int, int, int, str, str]:
    kind, verb, sort = group
    family = _FAMILIES.get(kind, kind)
    return _place(family), list(Verb).index(verb), _place(kind), kind, sort


def _place(kind: str) -> int:
    return list(_NOUNS).index(kind) if kind in _NOUNS else len(_NOUNS)
