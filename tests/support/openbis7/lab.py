"""What lies in an openBIS 7: entities with their AFS files, and the definitions that they need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

MODIFIED = datetime(2026, 2, 3, 12, 0, 0, tzinfo=UTC)
REGISTERED = datetime(2026, 1, 10, 9, 13, 0, tzinfo=UTC)
CHANGED = datetime(2026, 3, 5, 9, 14, 7, 123000, tzinfo=UTC)

# Roots name kinds so; lists say DATA_SET.
KINDS = ("SPACE", "PROJECT", "EXPERIMENT", "SAMPLE", "DATASET")


@dataclass(slots=True, kw_only=True)
class AfsFile:
    """A file of an owner; ``hash`` is what lists and AFS say of it, if that is not true."""

    content: bytes
    modified: datetime = CHANGED
    hash: str | None = None


@dataclass(slots=True, kw_only=True)
class Thing:
    """A space, project, experiment, sample or data set.

    ``experiment``, ``sample``, ``parents`` and ``components`` are perm ids; space and project are
    codes. A property with a list of values has several. ``afs`` are the files of an owner by
    absolute path; None if it has no AFS store. ``files`` are those of a classic data set.
    """

    kind: str
    code: str
    perm_id: str
    type: str = ""
    space: str | None = None
    project: str | None = None
    experiment: str | None = None
    sample: str | None = None
    description: str = ""
    properties: dict[str, str | list[str]] = field(default_factory=dict)
    parents: list[str] = field(default_factory=list)
    components: list[str] = field(default_factory=list)
    modified: datetime = MODIFIED
    immutable: datetime | None = None
    afs: dict[str, AfsFile] | None = None
    empty_folders: list[str] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    # The service user does not see it.
    hidden: bool = False

    @property
    def identifier(self) -> str:
        places = [self.space, self.project if self.kind != "SPACE" else None]
        if self.kind in {"SPACE", "DATASET"}:
            places = []
        elif self.kind == "PROJECT":
            places = [self.space]
        return "/" + "/".join([*filter(None, places), self.code])


@dataclass(slots=True, kw_only=True)
class Defined:
    """A property type. ``sample_type`` is for data type SAMPLE. Internal codes begin with ``$``."""

    code: str
    data_type: str = "VARCHAR"
    multi_value: bool = False
    vocabulary: str | None = None
    sample_type: str | None = None
    meta_data: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class TypeOf:
    """A type of entities with the codes of its property types, which must be defined."""

    kind: str
    code: str
    properties: tuple[str, ...] = ()
    meta_data: Mapping[str, str] = field(default_factory=dict)
    group: str | None = None


class Lab:
    """Everything in one openBIS. A test changes it as it likes; the next request sees that."""

    def __init__(self) -> None:
        self.things: dict[tuple[str, str], Thing] = {}
        self.types: list[TypeOf] = []
        self.defined: dict[str, Defined] = {}
        self.vocabularies: dict[str, tuple[str, ...]] = {}

    def add(self, *things: Thing) -> None:
        for thing in things:
            self.things[thing.kind, thing.perm_id] = thing

    def remove(self, thing: Thing) -> None:
        del self.things[thing.kind, thing.perm_id]

    def seen(self, kind: str, perm_id: str) -> Thing | None:
        """The thing, if it exists and the user sees it."""
        found = self.things.get((kind, perm_id))
        return None if found is None or found.hidden else found

    def of(self, kind: str) -> Iterator[Thing]:
        """All that the user sees of a kind."""
        return (t for t in self.things.values() if t.kind == kind and not t.hidden)

    def the(self, code: str) -> Thing:
        """The only thing with a code."""
        (found,) = (thing for thing in self.things.values() if thing.code == code)
        return found

    def place(self, thing: Thing) -> Thing | None:
        """What a thing lies in, without anything between."""
        for kind, perm_id in (("SAMPLE", thing.sample), ("EXPERIMENT", thing.experiment)):
            if perm_id:
                return self.things[kind, perm_id]
        if thing.kind in {"SPACE", "DATASET"} or thing.space is None:
            return None
        if thing.project is None:
            return self.things["SPACE", thing.space]
        named = f"/{thing.space}/{thing.project}"
        return next(project for project in self.of("PROJECT") if project.identifier == named)

    def owner(self, perm_id: str) -> Thing | None:
        """Who has AFS files under a perm id, in the order in which AFS asks."""
        return self.seen("SAMPLE", perm_id) or self.seen("EXPERIMENT", perm_id)


def perm_id(number: int) -> str:
    return f"20260110091200{number:03d}-{number}"


def a_space(code: str) -> Thing:
    return Thing(kind="SPACE", code=code, perm_id=code, space=code)


def a_project(space: str, code: str, number: int) -> Thing:
    return Thing(kind="PROJECT", code=code, perm_id=perm_id(number), space=space)


def an_experiment(project: Thing, code: str, number: int) -> Thing:
    return Thing(
        kind="EXPERIMENT",
        code=code,
        perm_id=perm_id(number),
        type="TRIAL",
        space=project.space,
        project=project.code,
    )


def a_sample(place: Thing | None, code: str, number: int) -> Thing:
    """In an experiment, a project or a space; shared without one."""
    sample = Thing(kind="SAMPLE", code=code, perm_id=perm_id(number), type="BREW")
    if place is not None:
        sample.space = place.space
        if place.kind != "SPACE":
            sample.project = place.project or place.code
        if place.kind == "EXPERIMENT":
            sample.experiment = place.perm_id
    return sample


def a_data_set(owner: Thing, number: int, **files: bytes) -> Thing:
    data_set = Thing(
        kind="DATASET",
        code=perm_id(number),
        perm_id=perm_id(number),
        type="RAW_DATA",
        space=owner.space,
        files={f"original/{name}": content for name, content in files.items()},
    )
    if owner.kind == "SAMPLE":
        data_set.sample, data_set.experiment = owner.perm_id, owner.experiment
    else:
        data_set.experiment = owner.perm_id
    return data_set


def a_lab() -> Lab:
    """Space ALPHA, project KITCHEN, experiment TRIAL-1 with samples A (parent of) B, data set D of
    B; A and TRIAL-1 have AFS files. Space BETA has a project with one sample, C."""
    lab = Lab()
    lab.defined = {
        "$NAME": Defined(code="$NAME"),
        "NOTES": Defined(code="NOTES", data_type="MULTILINE_VARCHAR", meta_data={"unit": "nm"}),
        "COLOURS": Defined(code="COLOURS", multi_value=True),
        "WITH": Defined(code="WITH", data_type="SAMPLE", sample_type="BREW"),
    }
    lab.types = [
        TypeOf(kind="SAMPLE", code="BREW", properties=("$NAME", "COLOURS", "WITH"), group="DRINKS"),
        TypeOf(kind="EXPERIMENT", code="TRIAL", properties=("NOTES",)),
        TypeOf(kind="DATASET", code="RAW_DATA", properties=("NOTES",)),
        TypeOf(kind="DATASET", code="AFS_DATA"),
    ]
    kitchen = a_project("ALPHA", "KITCHEN", 11)
    trial = an_experiment(kitchen, "TRIAL-1", 12)
    trial.properties = {"NOTES": "calm & still"}
    trial.afs = {"/protocol.txt": AfsFile(content=b"stir well")}
    one, other = a_sample(trial, "A", 16), a_sample(trial, "B", 17)
    one.properties = {"$NAME": "the first"}
    one.afs = {
        "/run 1/trace+1.csv": AfsFile(content=b"time,volt\n" * 3),
        "/.afs.trash/old.csv": AfsFile(content=b"1,2\n"),
        "/run 1/.afs.snapshots/trace+1.csv/2026_03_01_12_30_00_045": AfsFile(content=b"time,"),
        "/nothing.txt": AfsFile(content=b""),
    }
    one.empty_folders = ["/empty folder"]
    one.immutable = datetime(2026, 2, 1, 8, 0, 0, tzinfo=UTC)
    other.parents = [one.perm_id]
    cellar = a_project("BETA", "CELLAR", 21)
    third = a_sample(cellar, "C", 22)
    lab.add(a_space("ALPHA"), a_space("BETA"), kitchen, trial, one, other, cellar, third)
    lab.add(a_data_set(other, 18, data=b"0123456789"))
    return lab
