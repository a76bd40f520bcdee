"""What stands in the made database: persons and roles, entities, their values and links."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.support.openbis_made.afs import SEALED_AT, SEALED_CODES
from tests.support.openbis_made.files import STORED, UUID, location
from tests.support.openbis_made.later import add_later_rows
from tests.support.openbis_made.master_data import (
    DATA_TYPES,
    PROPERTIES,
    Definitions,
    define,
    last_with,
)
from tests.support.openbis_made.rows import Rows, Value

# Materials more than a page holds, where they are wanted.
BULK = 3200

# The values of the sample that has one of every property, as a list shows them.
RICH_VALUES = {
    "$GEOMETRY": "384_WELLS_16X24",
    "$MADE_ON": "2024-02-29",
    "$NAME": "Plate & co <1>",
    "$REFERENCE": "20240103080000000-302",
    "COLOUR": "GREY:DARK",
    "COUNTS": "3, -1, 9007199254740993",
    "DEPTH": "-17",
    "DOSES": "1.0, 0.5, 1.0E22",
    "IS_FROZEN": "true",
    "MATTER": "FLINT (STONE)",
    "MOMENTS": "2024-01-02 02:04:05 +0000, 2023-12-31 23:30:00 +0000",
    "NOTES": 'line 1\nline 2 <img src="/openbis/openbis/file-service/hill.png"> ü',
    "PAGE": "https://example.org/?a=1&b=2",
    "SALT_USED": "ROCK (SALT)",
    "SEEN_AT": "2024-02-03 04:05:06 +0100",
    "SETTINGS": '{"a": [true, null], "b": 1}',
    "SHEET": '<x a="7">&amp;</x>',
    "WEIGHT": "0.25",
    "WORDS": "a, b, c, ü",
}

_RICH: dict[str, dict[str, Value]] = {
    "COUNTS": {"integer_array_value": "{3,-1,9007199254740993}"},
    "DOSES": {"real_array_value": "{1,0.5,1e22}"},
    "MOMENTS": {"timestamp_array_value": '{"2024-01-02 03:04:05+01","2024-01-01 00:30:00+01"}'},
    "SETTINGS": {"json_value": '{"b": 1, "a": [true, null]}'},
    "WORDS": {"string_array_value": '{a,b,"c, ü"}'},
}


def perm_id(number: int) -> str:
    return f"20240103080000000-{number}"


@dataclass(slots=True)
class World:
    """Ids by what people call a thing; `rows` is all that was made."""

    rows: Rows = field(default_factory=Rows)
    known: Definitions = field(default_factory=Definitions)
    persons: dict[str, int] = field(default_factory=dict)
    spaces: dict[str, int] = field(default_factory=dict)
    projects: dict[str, int] = field(default_factory=dict)
    experiments: dict[str, int] = field(default_factory=dict)
    samples: dict[str, int] = field(default_factory=dict)
    data_sets: dict[str, int] = field(default_factory=dict)
    materials: dict[str, int] = field(default_factory=dict)

    def stored(self, kind: str, type_code: str, owner: int, name: str, **value: Value) -> None:
        """A value of an entity."""
        table, column, assignment = {
            "sample": ("sample_properties", "samp_id", "stpt_id"),
            "experiment": ("experiment_properties", "expe_id", "etpt_id"),
            "data_set": ("data_set_properties", "ds_id", "dstpt_id"),
            "material": ("material_properties", "mate_id", "mtpt_id"),
        }[kind]
        ids: dict[str, Value] = {
            column: owner,
            assignment: self.known.assignments[kind, type_code, name],
        }
        data_type = PROPERTIES[name]
        self.rows.add(table, DATA_TYPES[data_type], last_with(data_type), **ids, **value)


def a_world() -> World:
    world = World()
    _people(world)
    world.known = define(world.rows)
    _places(world)
    _roles(world)
    _materials(world)
    _experiments(world)
    _samples(world)
    _values(world)
    _sample_links(world)
    _data_sets(world)
    _data_set_links(world)
    _attachments(world)
    add_later_rows(world)
    return world


PERSONS = (
    *("system", "keeper", "robot", "visitor", "warden", "watcher", "ferryman", "climber"),
    *("nomad", "islander", "asleep", "crew_member", "plot_on", "plot_off"),
)
# Person or group, role, and the space or the project that it is for.
ROLES = (
    ("keeper", "ADMIN", None, None),
    ("robot", "ETL_SERVER", None, None),
    ("visitor", "OBSERVER", None, None),
    ("warden", "ADMIN", None, None),
    ("asleep", "ADMIN", None, None),
    ("watcher", "OBSERVER", "MOOR", None),
    ("ferryman", "ETL_SERVER", "COAST", None),
    ("climber", "POWER_USER", "ALPS", None),
    ("nomad", "USER", "ALPS", None),
    ("nomad", "ADMIN", "MOOR", None),
    ("islander", "USER", "ALPS", None),
    ("islander", "OBSERVER", "COAST", None),
    ("plot_on", "USER", None, "HARBOUR"),
    ("plot_on", "OBSERVER", None, "REEF"),
    ("plot_off", "ADMIN", None, "REEF"),
    ("CREW", "USER", "MOOR", None),
    ("CREW", "USER", None, "DEFAULT"),
)


def _people(world: World) -> None:
    for user_id in PERSONS:
        world.persons[user_id] = world.rows.add(
            "persons", user_id=user_id, is_active=user_id != "asleep"
        )
    world.rows.add("authorization_groups", code="CREW")
    world.rows.add("authorization_group_persons", pers_id=world.persons["crew_member"], ag_id=1)


def _roles(world: World) -> None:
    for holder, role, space, project in ROLES:
        world.rows.add(
            "role_assignments",
            161 if project else 0,
            role_code=role,
            space_id=world.spaces[space] if space else None,
            project_id=world.projects[project] if project else None,
            pers_id_grantee=world.persons.get(holder),
            ag_id_grantee=1 if holder == "CREW" else None,
        )


def _places(world: World) -> None:
    world.rows.add("data_stores", code="STANDARD", uuid=UUID)
    for code, description in (("ALPS", "high < wide"), ("COAST", None), ("MOOR", "wet")):
        world.spaces[code] = world.rows.add("spaces", code=code, description=description)
    for number, (space, code, description) in enumerate(
        (
            ("ALPS", "GLACIER", "cold & slow"),
            ("ALPS", "DEFAULT", None),
            ("ALPS", "RIDGE", "windy"),
            ("COAST", "HARBOUR", None),
            ("COAST", "REEF", None),
            ("MOOR", "PEAT", "old"),
        ),
        start=101,
    ):
        world.projects[code] = world.rows.add(
            "projects",
            perm_id=perm_id(number),
            code=code,
            space_id=world.spaces[space],
            description=description,
            pers_id_modifier=world.persons["keeper"],
            frozen=code == "REEF",
        )


def _materials(world: World) -> None:
    for code, of_type in (("ROCK", "SALT"), ("SEA", "SALT"), ("FLINT", "STONE"), ("RYE", "GRAIN")):
        world.materials[code] = world.rows.add(
            "materials", code=code, maty_id=world.known.types["material", of_type]
        )
    world.stored("material", "SALT", world.materials["ROCK"], "NOTES", value="mined")
    world.stored(
        "material",
        "GRAIN",
        world.materials["RYE"],
        "MATTER",
        mate_prop_id=world.materials["SEA"],
    )


def _experiments(world: World) -> None:
    trash = world.rows.add("deletions", reason="no longer wanted")
    for number, (project, code, of_type) in enumerate(
        (
            ("GLACIER", "CORES", "SERIES"),
            ("GLACIER", "MELT", "SURVEY"),
            ("RIDGE", "WIND", "SERIES"),
            ("HARBOUR", "TIDES", "SURVEY"),
            ("PEAT", "BOGS", "SURVEY"),
            ("GLACIER", "LOST", "SERIES"),
        ),
        start=201,
    ):
        gone = trash if code == "LOST" else None
        world.experiments[code] = world.rows.add(
            "experiments_all",
            perm_id=perm_id(number),
            code=code,
            exty_id=world.known.types["experiment", of_type],
            proj_id=world.projects[project],
            pers_id_modifier=world.persons["keeper"] if code == "CORES" else None,
            del_id=gone,
            orig_del=gone,
            frozen=code == "CORES",
            frozen_for_data=code == "CORES",
            meta_data='{"made": "here"}',
            immutable_data=code in SEALED_CODES,
            immutable_data_timestamp=SEALED_AT if code in SEALED_CODES else None,
        )
    for code, of_type, text in (
        ("CORES", "SERIES", "ten cores of ice"),
        ("LOST", "SERIES", "was lost"),
    ):
        world.stored("experiment", of_type, world.experiments[code], "NOTES", value=text)
    world.stored(
        "experiment",
        "SERIES",
        world.experiments["WIND"],
        "COLOUR",
        cvte_id=world.known.terms["BLUE"],
    )


# Code, type, space, project, experiment, container; the ones that are gone lie in the trash.
SAMPLES: tuple[tuple[str, str, str | None, str | None, str | None, str | None], ...] = (
    ("PLATE-1", "PLATE", "ALPS", None, None, None),
    ("REFERENCE", "PLATE", "ALPS", None, None, None),
    ("PLATE-2", "PLATE", "ALPS", None, None, None),
    ("LAYOUT", "PLATE", "ALPS", None, None, None),
    ("A01", "WELL", "ALPS", None, None, "LAYOUT"),
    ("B02", "WELL", "ALPS", None, None, "LAYOUT"),
    ("OF-PROJECT", "JAR", "ALPS", "DEFAULT", None, None),
    ("CORE-1", "JAR", "ALPS", None, "CORES", None),
    ("CORE-2", "JAR", "ALPS", None, "CORES", None),
    ("MELT-1", "JAR", "ALPS", None, "MELT", None),
    ("WIND-1", "JAR", "ALPS", None, "WIND", None),
    ("TIDE-1", "JAR", "COAST", None, "TIDES", None),
    ("SAND", "JAR", "COAST", None, None, None),
    ("BOG-1", "JAR", "MOOR", None, "BOGS", None),
    ("SALT", "JAR", None, None, None, None),
    ("SUGAR", "JAR", None, None, None, None),
    ("GONE-1", "JAR", "ALPS", None, "CORES", None),
    ("GONE-2", "PLATE", "ALPS", None, None, None),
)


def _samples(world: World) -> None:
    trash = world.rows.add("deletions", reason="spilled")
    for number, (code, of_type, space, project, experiment, container) in enumerate(
        SAMPLES, start=301
    ):
        gone = trash if code.startswith("GONE") else None
        part_of = f"{container}:" if container else ""
        places = (space, project, f"{part_of}{code}")
        whole = code == "REFERENCE"
        world.samples[code] = world.rows.add(
            "samples_all",
            perm_id=perm_id(number),
            code=code,
            saty_id=world.known.types["sample", of_type],
            space_id=world.spaces[space] if space else None,
            proj_id=world.projects[project] if project else None,
            expe_id=world.experiments[experiment] if experiment else None,
            samp_id_part_of=world.samples[container] if container else None,
            pers_id_modifier=world.persons["keeper"],
            del_id=gone,
            orig_del=gone,
            frozen=whole,
            frozen_for_comp=whole,
            frozen_for_children=whole,
            frozen_for_parents=whole,
            frozen_for_data=whole,
            sample_identifier="/" + "/".join(filter(None, places)),
            immutable_data=code in SEALED_CODES,
            immutable_data_timestamp=SEALED_AT if code in SEALED_CODES else None,
        )


def _values(world: World) -> None:
    rich = world.samples["PLATE-1"]
    terms, materials = world.known.terms, world.materials
    pointing: dict[str, dict[str, Value]] = {
        "$GEOMETRY": {"cvte_id": terms["384_WELLS_16X24"]},
        "COLOUR": {"cvte_id": terms["GREY:DARK"]},
        "MATTER": {"mate_prop_id": materials["FLINT"]},
        "SALT_USED": {"mate_prop_id": materials["ROCK"]},
        "$REFERENCE": {"samp_prop_id": world.samples["REFERENCE"]},
    }
    for name, text in RICH_VALUES.items():
        value = pointing.get(name) or _RICH.get(name) or {"value": text}
        world.stored("sample", "PLATE", rich, name, **value)
    sample = world.samples
    gone = {"samp_prop_id": sample["GONE-1"]}
    world.stored("sample", "PLATE", sample["PLATE-2"], "$REFERENCE", **gone)
    world.stored("sample", "PLATE", sample["PLATE-2"], "$NAME", value="second")
    world.stored("sample", "JAR", sample["SALT"], "$NAME", value="shared salt")
    world.stored("sample", "JAR", sample["GONE-1"], "$NAME", value="gone")
    world.stored("sample", "PLATE", sample["LAYOUT"], "$GEOMETRY", cvte_id=terms["96_WELLS_8X12"])
    world.stored("sample", "JAR", sample["WIND-1"], "MATTER", mate_prop_id=materials["RYE"])


SAMPLE_CHILDREN = (
    ("CORE-1", "CORE-2"),
    ("CORE-1", "MELT-1"),
    ("PLATE-1", "MELT-1"),
    ("CORE-1", "TIDE-1"),
    ("SALT", "CORE-1"),
    ("SALT", "BOG-1"),
)
# Of a relation that is no connection.
OTHER_SAMPLE_LINKS = (("LAYOUT", "PLATE-1"), ("LAYOUT", "PLATE-2"))


def _sample_links(world: World) -> None:
    def link(parent: str, child: str, relation: str, gone: int | None = None) -> None:
        world.rows.add(
            "sample_relationships_all",
            sample_id_parent=world.samples[parent],
            sample_id_child=world.samples[child],
            relationship_id=world.known.relations[relation],
            del_id=gone,
        )

    for parent, child in SAMPLE_CHILDREN:
        link(parent, child, "PARENT_CHILD")
    for parent, child in OTHER_SAMPLE_LINKS:
        link(parent, child, "PLATE_CONTROL_LAYOUT")
    link("CORE-1", "GONE-1", "PARENT_CHILD", gone=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    """``status`` is None for those without files of their own; ``copies`` name the system."""

    code: str
    type: str = "RAW"
    experiment: str | None = None
    sample: str | None = None
    status: str | None = "AVAILABLE"
    confirmed: bool = True
    gone: bool = False


def data_set_code(number: int) -> str:
    return f"20240105081500000-{number}"


README = data_set_code(501)
OF_SAMPLE = data_set_code(502)
HIDDEN = data_set_code(503)
UNFED = data_set_code(504)
BACKED_UP = data_set_code(505)
LOCKED = data_set_code(506)
ARCHIVED = data_set_code(507)
OF_COAST = data_set_code(508)
OF_MOOR = data_set_code(509)
TRASHED = data_set_code(510)
GIT_LINK = data_set_code(520)
URL_LINK = data_set_code(521)
PLACED = data_set_code(522)

DATA_SETS = (
    DataSet(code=README, experiment="CORES"),
    DataSet(code=OF_SAMPLE, experiment="WIND", sample="WIND-1"),
    DataSet(code=HIDDEN, experiment="CORES", confirmed=False),
    DataSet(code=UNFED, experiment="MELT"),
    DataSet(code=BACKED_UP, experiment="WIND", status="BACKUP_PENDING"),
    DataSet(code=LOCKED, experiment="WIND", status="LOCKED"),
    DataSet(code=ARCHIVED, experiment="WIND", status="ARCHIVED"),
    DataSet(code=OF_COAST, sample="TIDE-1"),
    DataSet(code=OF_MOOR, experiment="BOGS"),
    DataSet(code=TRASHED, experiment="CORES", gone=True),
    DataSet(code="APPLE", experiment="WIND"),
    DataSet(code="PEAR", experiment="WIND"),
    DataSet(code="FRUIT", type="BASKET", experiment="WIND", status=None),
    DataSet(code="ALL", type="BASKET", experiment="WIND", status=None),
    DataSet(code=GIT_LINK, type="POINTER", experiment="WIND", status=None),
    DataSet(code=URL_LINK, type="POINTER", sample="PLATE-2", status=None),
    DataSet(code=PLACED, experiment="MELT", sample="MELT-1"),
)
_KINDS = {"RAW": "PHYSICAL", "BASKET": "CONTAINER", "POINTER": "LINK"}


def _data_sets(world: World) -> None:
    trash = world.rows.add("deletions", reason="measured twice")
    for each in DATA_SETS:
        gone = trash if each.gone else None
        number = world.rows.add(
            "data_all",
            code=each.code,
            dsty_id=world.known.types["data_set", each.type],
            dast_id=1,
            expe_id=world.experiments[each.experiment] if each.experiment else None,
            samp_id=world.samples[each.sample] if each.sample else None,
            data_set_kind=_KINDS[each.type],
            del_id=gone,
            orig_del=gone,
            frozen=each.code == LOCKED,
            frozen_for_conts=each.code == LOCKED,
            pers_id_registerer=world.persons["robot"],
        )
        world.data_sets[each.code] = number
        if each.status:
            _external_data(world, number, each)
    _copies(world)
    readme = world.data_sets[README]
    world.stored("data_set", "RAW", readme, "NOTES", value="read me first")
    world.stored("data_set", "RAW", readme, "COLOUR", cvte_id=world.known.terms["WHITE"])
    world.stored("data_set", "BASKET", world.data_sets["FRUIT"], "$NAME", value="a basket")


def _external_data(world: World, number: int, each: DataSet) -> None:
    world.rows.add(
        "external_data",
        id=number,
        data_id=number,
        share_id="1",
        location=location(UUID, each.code),
        size=sum(map(len, STORED.get(each.code, {}).values())) or None,
        status=each.status,
        present_in_archive=each.status == "ARCHIVED",
        storage_confirmation=each.confirmed,
        h5_folders=True,
        archiving_requested=False,
    )


def _copies(world: World) -> None:
    """The second copy of a data set came with schema 159."""
    for code, system, values in (
        (URL_LINK, "ARCHIVE", {"external_code": "CODE-1"}),
        (
            GIT_LINK,
            "SHELF",
            {"path": "path/to it", "git_commit_hash": "12ab34cd", "git_repository_id": "repo-1"},
        ),
        (GIT_LINK, "NEIGHBOUR", {"external_code": "20230101000000000-7"}),
    ):
        copied: dict[str, Value] = dict(values)
        world.rows.add(
            "content_copies",
            data_id=world.data_sets[code],
            edms_id=world.known.systems[system],
            **copied,
        )
    for code, system, external_code in (
        (URL_LINK, "ARCHIVE", "CODE-1"),
        (GIT_LINK, "NEIGHBOUR", "20230101000000000-7"),
    ):
        world.rows.add(
            "link_data",
            id=world.data_sets[code],
            data_id=world.data_sets[code],
            edms_id=world.known.systems[system],
            external_code=external_code,
        )


DATA_SET_CHILDREN = ((README, OF_SAMPLE), (README, PLACED), (OF_SAMPLE, OF_COAST))
# Container, component, ordinal. A component may be a container, and lie in several.
COMPONENTS = (
    ("FRUIT", "PEAR", 1),
    ("FRUIT", "APPLE", 1),
    ("ALL", "FRUIT", 0),
    ("ALL", README, 1),
)


def _data_set_links(world: World) -> None:
    def link(parent: str, child: str, relation: str, **values: Value) -> None:
        world.rows.add(
            "data_set_relationships_all",
            data_id_parent=world.data_sets[parent],
            data_id_child=world.data_sets[child],
            relationship_id=world.known.relations[relation],
            **values,
        )

    for parent, child in (*DATA_SET_CHILDREN, (README, HIDDEN), (HIDDEN, OF_SAMPLE)):
        link(parent, child, "PARENT_CHILD")
    link(README, TRASHED, "PARENT_CHILD", del_id=3)
    for container, component, ordinal in COMPONENTS:
        link(container, component, "CONTAINER_COMPONENT", ordinal=ordinal)
    link("FRUIT", HIDDEN, "CONTAINER_COMPONENT", ordinal=3)


# Holder, file name, and the contents of each version.
ATTACHMENTS: tuple[tuple[str, str, str, tuple[bytes, ...]], ...] = (
    ("experiment", "CORES", "cores.txt", (b"first\n", b"second \n", b"third  \n", b"fourth   \n")),
    ("project", "GLACIER", "about.txt", (b"All about ice.",)),
    ("sample", "WIND-1", "a & b.bin", (bytes(range(256)), b"")),
    ("sample", "SALT", "salt.txt", (b"salt",)),
    ("experiment", "LOST", "lost.txt", (b"lost",)),
)


def _attachments(world: World) -> None:
    columns = {"experiment": "expe_id", "project": "proj_id", "sample": "samp_id"}
    holders = world.experiments | world.projects | world.samples
    for kind, holder, file_name, versions in ATTACHMENTS:
        for version, content in enumerate(versions, start=1):
            latest = version == len(versions)
            ids: dict[str, Value] = {columns[kind]: holders[holder]}
            world.rows.add(
                "attachments",
                exac_id=world.rows.add("attachment_contents", value=content),
                file_name=file_name,
                version=version,
                title="The latest" if latest else None,
                description=f"version {version}" if version > 1 else None,
                pers_id_registerer=world.persons["keeper"],
                **ids,
            )
