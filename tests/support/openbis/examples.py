"""The entities of the richest openBIS instance that tests look at, by what they are examples of:
in the made instance, and in the given one."""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path

from shared.model.entities import ContentCopy
from shared.model.ids import Code, Identifier
from shared.model.master_data import AddressType, ExternalDms
from source_server.publication.catalogue import Scope
from tests.support.given_data import openbis_file
from tests.support.openbis_made import database, files, world
from tests.support.openbis_made.world import perm_id


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedFile:
    """A file whose CRC-32 is negative in the path-info database."""

    path: str
    length: int
    signed_crc32: int
    checksum: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    """The main project lies in the first space, and so does the project ``elsewhere``."""

    # By schema; that of 192 is the richest.
    databases: Mapping[int, str]
    path_info: str
    fill_store: Callable[[Path], None]
    # A database with little in it, and the number of its spaces.
    small: str
    small_spaces: int
    spaces: tuple[str, str, str]
    # The numbers of the spaces that a user may see.
    spaces_of_users: Mapping[str, str]
    inactive: str
    keeper: str
    # The user of the third space.
    watcher: str
    group_member: str
    # A pattern for users whose roles in projects count, one of them, and one who is none.
    project_users: str
    of_projects: str
    not_of_projects: str
    projects_of_user: tuple[str, ...]
    project_of_group: str
    # Of the third version of the experiment's attachment.
    third_description: str
    main: str
    elsewhere: str
    main_perm_id: str
    main_description: str
    # File name, title, description.
    main_attachment: tuple[str, str | None, str | None]
    # Samples and data sets of the main project.
    in_main: tuple[int, int]
    sample_of_project: str
    experiment: str
    experiment_value: tuple[str, str]
    # The attachment of the experiment: file name, title of the last version, lengths.
    versions: tuple[str, str, tuple[int, ...]]
    rich: str
    rich_type: str
    rich_values: Mapping[str, str]
    referred: str
    refers_to_trash: str
    reference: str
    date: str
    sheet: str
    reals: str
    # A property of the layout, and its term.
    geometry: tuple[str, str]
    layout: str
    layout_code: str
    layout_type: str
    well: str
    wells: frozenset[str]
    # Properties whose values are materials.
    of_materials: frozenset[str]
    vocabulary: str
    plugin: str
    last_system: ExternalDms
    readme: str
    # Of that data set, below the data store.
    location: str
    checked: CheckedFile
    # How many can be listed, and how many of those have a checksum.
    files: Mapping[str, int]
    hidden: str
    unfed: str
    unfed_location: str
    # A data set, its experiment and its sample.
    of_sample: tuple[str, str, str]
    # A data set and its experiment.
    without_sample: tuple[str, str]
    container: str
    # Of the container, in their order; both have the ordinal 1.
    components: tuple[str, str]
    git_link: str
    git_copies: tuple[ContentCopy, ...]
    url_link: str
    url_code: str
    url_system: str
    samples: int
    materials: int
    attachment_versions: int
    # A database where names are of the internal name space and not managed, and how many.
    unmanaged: tuple[str, int]
    unmanaged_name: str
    # A database, the number of its samples' children, and of all their relations.
    other_links: tuple[str, int, int]
    # A database of schema 213.
    latest: str
    # A database that is too old to be read, and its schema.
    old: str
    old_schema: int

    @property
    def database(self) -> str:
        return self.databases[192]

    def scope(self, *spaces: str, projects: tuple[str, ...] = ()) -> Scope:
        return Scope(
            spaces=frozenset(map(Code, spaces)), projects=frozenset(map(Identifier, projects))
        )

    @property
    def everything(self) -> Scope:
        return self.scope(*self.spaces)

    def project(self, code: str) -> str:
        """The identifier of a project of the first space."""
        return f"/{self.spaces[0]}/{code}"


def unpack_given_store(name: str, folder: Path) -> None:
    with tarfile.open(openbis_file(f"{name}.tar.xz")) as archive:
        archive.extractall(folder, filter="data")


_UPPER = "original/UPPER.TXT"
_LISTED = {code: stored for code, stored in files.STORED.items() if code != world.HIDDEN}

MADE = Examples(
    databases={version: f"{database.PREFIX}{version}" for version in (154, 178, 181, 192)},
    path_info=database.PATH_INFO,
    fill_store=database.fill_store,
    small=f"{database.PREFIX}178",
    small_spaces=3,
    spaces=("ALPS", "COAST", "MOOR"),
    spaces_of_users={
        **dict.fromkeys(("keeper", "robot", "visitor", "warden"), "012"),
        "watcher": "2",
        "ferryman": "1",
        "climber": "0",
        "nomad": "02",
        "islander": "01",
    },
    inactive="asleep",
    keeper="keeper",
    watcher="watcher",
    group_member="crew_member",
    project_users=".*_on|crew_.*",
    of_projects="plot_on",
    not_of_projects="plot_off",
    projects_of_user=("/COAST/HARBOUR", "/COAST/REEF"),
    project_of_group="/ALPS/DEFAULT",
    third_description="version 3",
    main="GLACIER",
    elsewhere="RIDGE",
    main_perm_id=perm_id(101),
    main_description="cold & slow",
    main_attachment=("about.txt", "The latest", None),
    in_main=(3, 3),
    sample_of_project="/ALPS/DEFAULT/OF-PROJECT",
    experiment=perm_id(201),
    experiment_value=("NOTES", "ten cores of ice"),
    versions=("cores.txt", "The latest", (6, 8, 8, 10)),
    rich=perm_id(301),
    rich_type="PLATE",
    rich_values=world.RICH_VALUES,
    referred=perm_id(302),
    refers_to_trash=perm_id(303),
    reference="$REFERENCE",
    date="$MADE_ON",
    sheet="SHEET",
    reals="DOSES",
    geometry=("$GEOMETRY", "96_WELLS_8X12"),
    layout=perm_id(304),
    layout_code="LAYOUT",
    layout_type="PLATE",
    well="/ALPS/LAYOUT:A01",
    wells=frozenset({"A01", "B02"}),
    of_materials=frozenset({"MATTER", "SALT_USED"}),
    vocabulary="COLOUR",
    plugin="isComplete",
    last_system=ExternalDms(
        code=Code("SHELF"),
        address="shelf:/srv/repositories",
        address_type=AddressType.FILE_SYSTEM,
        label="the shelf",
    ),
    readme=world.README,
    location=f"1/{files.location(files.UUID, world.README)}",
    checked=CheckedFile(
        path=_UPPER,
        length=len(files.UPPER),
        signed_crc32=files.signed(zlib.crc32(files.UPPER)),
        checksum=f"SHA256:{sha256(files.UPPER).hexdigest()}",
    ),
    files={
        "length": sum(map(len, _LISTED.values())),
        "crc32": sum(len(stored.keys() - files.WITHOUT_CRC) for stored in _LISTED.values()),
        "checksum": sum(len(_LISTED[code]) for code in files.WITH_SHA256),
    },
    hidden=world.HIDDEN,
    unfed=world.UNFED,
    unfed_location=f"1/{files.location(files.UUID, world.UNFED)}",
    of_sample=(world.OF_SAMPLE, "/ALPS/RIDGE/WIND", "/ALPS/WIND-1"),
    without_sample=(world.README, "/ALPS/GLACIER/CORES"),
    container="FRUIT",
    components=("APPLE", "PEAR"),
    git_link=world.GIT_LINK,
    git_copies=(
        ContentCopy(
            external_dms=Code("SHELF"),
            path="path/to it",
            git_commit_hash="12ab34cd",
            git_repository_id="repo-1",
            id="2",
        ),
        ContentCopy(external_dms=Code("NEIGHBOUR"), external_code="20230101000000000-7", id="3"),
    ),
    url_link=world.URL_LINK,
    url_code="CODE-1",
    url_system="ARCHIVE",
    samples=sum(not code.startswith("GONE") for code, *_ in world.SAMPLES),
    materials=4 + world.BULK,
    attachment_versions=sum(
        len(versions) for _, holder, _, versions in world.ATTACHMENTS if holder != "LOST"
    ),
    unmanaged=(f"{database.PREFIX}178", 1),
    unmanaged_name="$NAME",
    other_links=(
        f"{database.PREFIX}192",
        len(world.SAMPLE_CHILDREN),
        len(world.SAMPLE_CHILDREN) + len(world.OTHER_SAMPLE_LINKS),
    ),
    latest=f"{database.PREFIX}213",
    old=f"{database.PREFIX}153",
    old_schema=153,
)

GIVEN = Examples(
    databases={
        **{version: f"openbis_unittest_{version}" for version in (154, 178)},
        192: "x192_features",
    },
    path_info="pathinfo_x192",
    fill_store=partial(unpack_given_store, "x192_store"),
    small="openbis_scu_microscopy",
    small_spaces=2,
    spaces=("CISD", "TEST-SPACE", "TESTGROUP"),
    spaces_of_users={
        **dict.fromkeys(("test", "etlserver", "instance_observer", "instance_admin"), "012"),
        "observer": "2",
        "test_space_etl_server": "1",
        "test_role": "0",
        "homeless": "02",
        "test_v3": "01",
    },
    inactive="inactive",
    keeper="test",
    watcher="observer",
    group_member="agroup_member",
    project_users=".*_pa_on|agroup_.*",
    of_projects="test_project_pa_on",
    not_of_projects="test_project_pa_off",
    projects_of_user=("/TEST-SPACE/PROJECT-TO-DELETE", "/TEST-SPACE/TEST-PROJECT"),
    project_of_group="/CISD/DEFAULT",
    third_description="Second latest version",
    main="NEMO",
    elsewhere="NOE",
    main_perm_id="20120814110011738-103",
    main_description="nemo description",
    main_attachment=("projectDescription.txt", "The Project", "All about it."),
    in_main=(5, 3),
    sample_of_project="/CISD/DEFAULT/CP1-A1",
    experiment="200811050951882-1028",
    experiment_value=("DESCRIPTION", "A simple experiment"),
    versions=("exampleExperiments.txt", "Latest version", (229, 228, 227, 226)),
    rich="200811050929940-1017",
    rich_type="CELL_PLATE",
    rich_values={
        "$X_DATE": "2024-02-29",
        "$X_SAMPLE": "200811050947161-652",
        "X_ARRAY_INTEGER": "3, -1, 9007199254740993",
        "X_ARRAY_REAL": "1.0, 0.5, 1.0E22",
        "X_ARRAY_STRING": "a, b, c, ü",
        "X_ARRAY_TIMESTAMP": "2024-01-02 02:04:05 +0000",
        "X_HYPERLINK": "https://example.org/?a=1&b=2",
        "X_JSON": '{"a": [true, null], "b": 1}',
        "X_XML": '<x a="1">&amp;</x>',
    },
    referred="200811050947161-652",
    refers_to_trash="200902091250077-1060",
    reference="$X_SAMPLE",
    date="$X_DATE",
    sheet="X_XML",
    reals="X_ARRAY_REAL",
    geometry=("$PLATE_GEOMETRY", "384_WELLS_16X24"),
    layout="200811050919915-8",
    layout_code="CL1",
    layout_type="CONTROL_LAYOUT",
    well="/CISD/CL1:A01",
    wells=frozenset({"A01", "A03", "B02"}),
    of_materials=frozenset({"ANY_MATERIAL", "BACTERIUM"}),
    vocabulary="ORGANISM",
    plugin="validateOK",
    last_system=ExternalDms(
        code=Code("DMS_3"),
        address="sprint:/path/to/location",
        address_type=AddressType.FILE_SYSTEM,
        label="Non-local filesystem",
    ),
    readme="20081105092159333-3",
    location="1/1F2E3D4C-0000-4000-8000-0123456789AB/d8/c7/c5/20081105092159333-3",
    checked=CheckedFile(path=_UPPER, length=609, signed_crc32=-825413101, checksum="SHA256:f3817"),
    files={"length": 78, "crc32": 76, "checksum": 20},
    hidden="20081105092159111-1",
    unfed="20081105092259000-20",
    unfed_location="1/1F2E3D4C-0000-4000-8000-0123456789AB/02/ef/70/20081105092259000-20",
    of_sample=("20081105092159222-2", "/CISD/NOE/EXP-TEST-2", "/CISD/CP-TEST-2"),
    without_sample=("20110805092359990-17", "/CISD/NEMO/EXP-TEST-2"),
    container="CONTAINER_3A",
    components=("COMPONENT_3A", "COMPONENT_3AB"),
    git_link="20120628092259000-41",
    git_copies=(
        ContentCopy(
            external_dms=Code("DMS_3"),
            path="path/to/20120628092259000-41",
            git_commit_hash="abcdefg12345678",
            git_repository_id="repo1",
            id="4",
        ),
    ),
    url_link="20120628092259000-23",
    url_code="CODE1",
    url_system="DMS_1",
    samples=701,
    materials=3734,
    attachment_versions=12,
    unmanaged=("openbis_sync_big_harvester", 4),
    unmanaged_name="$NAME",
    other_links=("m192_3v", 8, 12),
    latest="x213_features",
    old="openbis_3v",
    old_schema=41,
)

EXAMPLES: Mapping[str, Examples] = {"made": MADE, "given": GIVEN}
