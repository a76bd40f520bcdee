"""Who sees what of a real openBIS database: as openBIS decides it for its API."""

from __future__ import annotations

import pytest

from shared.errors import ConfigError
from shared.model.ids import Code, Identifier
from shared.model.kinds import ENTITY_KINDS, Kind
from source_server.catalogue import Scope
from source_server.openbis.catalogue import OpenBisCatalogue
from tests.conftest import LoadOpenBis, OpenCatalogue
from tests.postgres import counted, run

ALL_SPACES = ("CISD", "TEST-SPACE", "TESTGROUP")


def scope(*spaces: str, projects: tuple[str, ...] = ()) -> Scope:
    return Scope(spaces=frozenset(map(Code, spaces)), projects=frozenset(map(Identifier, projects)))


@pytest.fixture
def catalogue(load_openbis: LoadOpenBis, open_catalogue: OpenCatalogue) -> OpenBisCatalogue:
    """The widest database, without project level authorization."""
    return open_catalogue(load_openbis("openbis_unittest_192"))


@pytest.fixture
def by_project(load_openbis: LoadOpenBis, open_catalogue: OpenCatalogue) -> OpenBisCatalogue:
    """The same with project level authorization for some users."""
    return open_catalogue(
        load_openbis("openbis_unittest_192"),
        project_level_users=".*_pa_on|agroup_.*",
    )


@pytest.mark.parametrize("user_id", ["test", "etlserver", "instance_observer", "instance_admin"])
def test_any_role_on_the_instance_shows_all_spaces(
    catalogue: OpenBisCatalogue, user_id: str
) -> None:
    assert catalogue.scope_of(user_id) == scope(*ALL_SPACES)


@pytest.mark.parametrize(
    ("user_id", "spaces"),
    [
        ("observer", ["TESTGROUP"]),
        ("test_space_etl_server", ["TEST-SPACE"]),
        ("test_role", ["CISD"]),
        ("homeless", ["CISD", "TESTGROUP"]),
        ("test_v3", ["CISD", "TEST-SPACE"]),
    ],
)
def test_any_role_in_a_space_shows_that_space(
    catalogue: OpenBisCatalogue, user_id: str, spaces: list[str]
) -> None:
    assert catalogue.scope_of(user_id) == scope(*spaces)


@pytest.mark.parametrize("user_id", ["inactive", "system", "unknown", "", "a\0b", "\udcff"])
def test_who_may_not_log_in_has_no_scope(catalogue: OpenBisCatalogue, user_id: str) -> None:
    assert catalogue.scope_of(user_id) is None


def test_roles_of_a_group_are_those_of_its_members(catalogue: OpenBisCatalogue) -> None:
    assert catalogue.scope_of("agroup_member") == scope("TESTGROUP")


def test_roles_in_projects_count_only_where_openbis_is_set_so(
    catalogue: OpenBisCatalogue, by_project: OpenBisCatalogue
) -> None:
    projects = ("/TEST-SPACE/PROJECT-TO-DELETE", "/TEST-SPACE/TEST-PROJECT")

    assert catalogue.scope_of("test_project_pa_on") == scope()
    assert by_project.scope_of("test_project_pa_on") == scope(projects=projects)
    assert by_project.scope_of("test_project_pa_off") == scope()
    assert by_project.scope_of("agroup_member") == scope("TESTGROUP", projects=("/CISD/DEFAULT",))


def test_a_pattern_for_users_that_is_none_is_refused_with_its_name(
    load_openbis: LoadOpenBis, open_catalogue: OpenCatalogue
) -> None:
    url = load_openbis("openbis_unittest_192")

    with pytest.raises(ConfigError, match=r"authorization\.project-level\.users: '\('"):
        open_catalogue(url, project_level_users="(")


def test_before_schema_161_there_are_no_roles_in_projects(
    load_openbis: LoadOpenBis, open_catalogue: OpenCatalogue
) -> None:
    old = open_catalogue(load_openbis("openbis_unittest_154"), project_level_users=".*")

    assert old.scope_of("test") == scope(*ALL_SPACES)
    assert old.scope_of("observer") == scope("TESTGROUP")


def test_user_ids_are_found_whatever_their_case_unless_two_differ_by_case_only(
    copy_openbis: LoadOpenBis, open_catalogue: OpenCatalogue
) -> None:
    url = copy_openbis("openbis_unittest_192")
    catalogue = open_catalogue(url)
    assert catalogue.scope_of("OBServer") == scope("TESTGROUP")

    run(
        url,
        """insert into persons (id, user_id, registration_timestamp, is_active)
           values (9001, 'OBSERVER', now(), true)""",
        """insert into role_assignments
               (id, role_code, space_id, pers_id_grantee, pers_id_registerer,
                registration_timestamp)
           select 9001, 'USER', id, 9001, 1, now() from spaces where code = 'CISD'""",
    )

    assert catalogue.scope_of("observer") == scope("TESTGROUP")
    assert catalogue.scope_of("OBSERVER") == scope("CISD")
    assert catalogue.scope_of("OBServer") is None


def test_a_project_shows_what_lies_in_it_and_its_space_as_a_bare_entry(
    catalogue: OpenBisCatalogue, load_openbis: LoadOpenBis
) -> None:
    url = load_openbis("openbis_unittest_192")
    shown = scope(projects=("/CISD/NEMO",))
    with catalogue.snapshot() as snapshot:
        found = {kind: list(snapshot.entities(kind, shown)) for kind in ENTITY_KINDS}

    assert [space.code for space in found[Kind.SPACE]] == ["CISD"]
    assert [project.code for project in found[Kind.PROJECT]] == ["NEMO"]
    assert {entity.project for entity in found[Kind.EXPERIMENT]} == {"NEMO"}
    in_project = """select count(*) from <kind> x
        join experiments e on e.id = x.expe_id join projects p on p.id = e.proj_id
        join spaces s on s.id = p.space_id where p.code = 'NEMO' and s.code = 'CISD'"""
    samples = counted(url, in_project.replace("<kind>", "samples"))
    shared = counted(url, "select count(*) from samples where space_id is null")
    unconfirmed = """ and x.id not in (
        select id from external_data where not storage_confirmation)"""
    data_sets = counted(url, in_project.replace("<kind>", "data") + unconfirmed)
    assert (samples, data_sets) == (5, 3)
    assert len(found[Kind.SAMPLE]) == samples + shared
    assert len(found[Kind.DATA_SET]) == data_sets
    assert {entity.experiment for entity in found[Kind.DATA_SET]} <= {
        entity.identifier for entity in found[Kind.EXPERIMENT]
    }


def test_a_sample_of_a_project_is_shown_with_its_project(
    load_openbis: LoadOpenBis, open_catalogue: OpenCatalogue
) -> None:
    catalogue = open_catalogue(load_openbis("x192_features"))
    with catalogue.snapshot() as snapshot:
        samples = snapshot.entities(Kind.SAMPLE, scope(projects=("/CISD/DEFAULT",)))
        own = {sample.perm_id: sample for sample in samples if sample.project}
        hidden = snapshot.entities(Kind.SAMPLE, scope(projects=("/CISD/NEMO",)))
        elsewhere = {sample.perm_id for sample in hidden}

    assert [sample.identifier for sample in own.values()] == ["/CISD/DEFAULT/CP1-A1"]
    assert own.keys().isdisjoint(elsewhere)


def test_scopes_that_name_nothing_real_show_nothing_more(catalogue: OpenBisCatalogue) -> None:
    with catalogue.snapshot() as snapshot:
        unreal = scope("NOWHERE", "cisd", projects=("/CISD/NOTHING", "CISD", "/TESTGROUP/NEMO"))
        assert list(snapshot.entities(Kind.SPACE, unreal)) == []
        assert list(snapshot.entities(Kind.PROJECT, unreal)) == []
        assert list(snapshot.entities(Kind.EXPERIMENT, unreal)) == []


def test_a_data_set_of_a_shared_sample_is_shown_to_everybody(
    copy_openbis: LoadOpenBis, open_catalogue: OpenCatalogue
) -> None:
    url = copy_openbis("openbis_unittest_192")
    catalogue = open_catalogue(url)
    run(
        url,
        """update samples_all set space_id = null, proj_id = null, expe_id = null
            where id = (select samp_id from data_all where code = '20120628092259000-23')""",
    )

    with catalogue.snapshot() as snapshot:
        (data_set,) = snapshot.entities(Kind.DATA_SET, scope())

    assert data_set.code == "20120628092259000-23"
    assert data_set.home == (None, None)
    assert data_set.sample is not None
    assert data_set.sample.count("/") == 1


def test_references_to_what_is_not_within_the_scope_are_left_out(
    copy_openbis: LoadOpenBis, open_catalogue: OpenCatalogue
) -> None:
    """The data set follows its experiment; its sample lies in a space that is not shown."""
    url = copy_openbis("openbis_unittest_192")
    catalogue = open_catalogue(url)
    code = "20110805092359990-17"
    run(
        url,
        """update data_all set samp_id = (
               select min(x.id) from samples x join spaces s on s.id = x.space_id
                where s.code = 'TEST-SPACE')
            where code = '<code>'""".replace("<code>", code),
    )

    def the_data_set(shown: Scope) -> tuple[str | None, str | None]:
        with catalogue.snapshot() as snapshot:
            found = {each.code: each for each in snapshot.entities(Kind.DATA_SET, shown)}
        return found[Code(code)].experiment, found[Code(code)].sample

    assert the_data_set(scope("CISD")) == ("/CISD/NEMO/EXP-TEST-2", None)
    experiment, sample = the_data_set(scope(*ALL_SPACES))
    assert experiment == "/CISD/NEMO/EXP-TEST-2"
    assert sample is not None
    assert sample.startswith("/TEST-SPACE/")


def test_data_sets_of_samples_are_found_within_the_scope(catalogue: OpenBisCatalogue) -> None:
    with catalogue.snapshot() as snapshot:
        everything, other = scope(*ALL_SPACES), scope("TESTGROUP")
        samples = [each.perm_id for each in snapshot.entities(Kind.SAMPLE, everything)]
        found = snapshot.data_set_connections(samples, everything)
        of_samples = [each for each in snapshot.entities(Kind.DATA_SET, everything) if each.sample]
        assert snapshot.data_set_connections(samples, other) == {}
        assert snapshot.data_set_connections([], everything) == {}

    codes = [code for each in found.values() for code in each]
    assert sorted(codes) == [each.code for each in of_samples]
    assert "20081105092159111-1" not in codes  # its storing is not confirmed


def test_data_sets_of_samples_can_be_asked_for_while_samples_are_read(
    catalogue: OpenBisCatalogue,
) -> None:
    shown = scope(*ALL_SPACES)
    with catalogue.snapshot() as snapshot:
        plain = [each.perm_id for each in snapshot.entities(Kind.SAMPLE, shown)]
        between = []
        for number, sample in enumerate(snapshot.entities(Kind.SAMPLE, shown)):
            between.append(sample.perm_id)
            if number % 100 == 0:
                snapshot.data_set_connections(between, shown)

    assert between == plain
