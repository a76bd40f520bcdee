"""Who sees what of a real openBIS database: as openBIS decides it for its API."""

from __future__ import annotations

import pytest

from shared.errors import ConfigError
from shared.model.ids import Code
from shared.model.kinds import ENTITY_KINDS, Kind
from source_server.catalogues.openbis.catalogue import OpenBisAccess, OpenBisCatalogue
from source_server.publication.catalogue import Scope
from tests.conftest import LoadOpenBis, OpenCatalogue
from tests.support.openbis.examples import Examples
from tests.support.servers.postgres import counted, run


@pytest.fixture
def catalogue(
    examples: Examples, load_openbis: LoadOpenBis, open_catalogue: OpenCatalogue
) -> OpenBisCatalogue:
    """The widest database, without project level authorization."""
    return open_catalogue(load_openbis(examples.database))


@pytest.fixture
def by_project(
    examples: Examples, load_openbis: LoadOpenBis, open_catalogue: OpenCatalogue
) -> OpenBisCatalogue:
    """The same with project level authorization for some users."""
    return open_catalogue(
        load_openbis(examples.database),
        access=OpenBisAccess(project_level_users=examples.project_users),
    )


def test_any_role_on_the_instance_or_in_a_space_shows_what_it_is_for(
    examples: Examples, catalogue: OpenBisCatalogue
) -> None:
    for user_id, numbers in examples.spaces_of_users.items():
        spaces = [examples.spaces[int(number)] for number in numbers]
        assert catalogue.scope_of(user_id) == examples.scope(*spaces), user_id
    assert len(set(examples.spaces_of_users.values())) >= 5


def test_who_may_not_log_in_has_no_scope(examples: Examples, catalogue: OpenBisCatalogue) -> None:
    for user_id in (examples.inactive, "system", "unknown", "", "a\0b", "\udcff"):
        assert catalogue.scope_of(user_id) is None, user_id


def test_roles_of_a_group_are_those_of_its_members(
    examples: Examples, catalogue: OpenBisCatalogue
) -> None:
    assert catalogue.scope_of(examples.group_member) == examples.scope(examples.spaces[2])


def test_roles_in_projects_count_only_where_openbis_is_set_so(
    examples: Examples, catalogue: OpenBisCatalogue, by_project: OpenBisCatalogue
) -> None:
    assert catalogue.scope_of(examples.of_projects) == examples.scope()
    assert by_project.scope_of(examples.of_projects) == examples.scope(
        projects=examples.projects_of_user
    )
    assert by_project.scope_of(examples.not_of_projects) == examples.scope()
    assert by_project.scope_of(examples.group_member) == examples.scope(
        examples.spaces[2], projects=(examples.project_of_group,)
    )


def test_a_pattern_for_users_that_is_none_is_refused_with_its_name(
    examples: Examples, load_openbis: LoadOpenBis, open_catalogue: OpenCatalogue
) -> None:
    url = load_openbis(examples.database)

    with pytest.raises(ConfigError, match=r"authorization\.project-level\.users: '\('"):
        open_catalogue(url, access=OpenBisAccess(project_level_users="("))


def test_before_schema_161_there_are_no_roles_in_projects(
    examples: Examples, load_openbis: LoadOpenBis, open_catalogue: OpenCatalogue
) -> None:
    old = open_catalogue(
        load_openbis(examples.databases[154]), access=OpenBisAccess(project_level_users=".*")
    )

    assert old.scope_of(examples.keeper) == examples.everything
    assert old.scope_of(examples.watcher) == examples.scope(examples.spaces[2])


def test_user_ids_are_found_whatever_their_case_unless_two_differ_by_case_only(
    examples: Examples, copy_openbis: LoadOpenBis, open_catalogue: OpenCatalogue
) -> None:
    url = copy_openbis(examples.database)
    catalogue = open_catalogue(url)
    mixed, upper = examples.watcher.capitalize(), examples.watcher.upper()
    assert catalogue.scope_of(mixed) == examples.scope(examples.spaces[2])

    run(
        url,
        f"""insert into persons (id, user_id, registration_timestamp, is_active)
           values (9001, '{upper}', now(), true)""",  # noqa: S608
        """insert into role_assignments
               (id, role_code, space_id, pers_id_grantee, pers_id_registerer,
                registration_timestamp)
           select 9001, 'USER', id, 9001, 1, now() from spaces
            where code = '<space>'""".replace("<space>", examples.spaces[0]),
    )

    assert catalogue.scope_of(examples.watcher) == examples.scope(examples.spaces[2])
    assert catalogue.scope_of(upper) == examples.scope(examples.spaces[0])
    assert catalogue.scope_of(mixed) is None


def test_a_project_shows_what_lies_in_it_and_its_space_as_a_bare_entry(
    examples: Examples, catalogue: OpenBisCatalogue, load_openbis: LoadOpenBis
) -> None:
    url = load_openbis(examples.database)
    shown = examples.scope(projects=(examples.project(examples.main),))
    with catalogue.snapshot() as snapshot:
        found = {kind: list(snapshot.entities(kind, shown)) for kind in ENTITY_KINDS}

    assert [space.code for space in found[Kind.SPACE]] == [examples.spaces[0]]
    assert [project.code for project in found[Kind.PROJECT]] == [examples.main]
    assert {entity.project for entity in found[Kind.EXPERIMENT]} == {examples.main}
    in_project = """select count(*) from <kind> x
        join experiments e on e.id = x.expe_id join projects p on p.id = e.proj_id
        join spaces s on s.id = p.space_id
        where p.code = '<main>' and s.code = '<space>'""".replace("<main>", examples.main).replace(
        "<space>", examples.spaces[0]
    )
    samples = counted(url, in_project.replace("<kind>", "samples"))
    shared = counted(url, "select count(*) from samples where space_id is null")
    unconfirmed = """ and x.id not in (
        select id from external_data where not storage_confirmation)"""
    data_sets = counted(url, in_project.replace("<kind>", "data") + unconfirmed)
    assert (samples, data_sets) == examples.in_main
    assert len(found[Kind.SAMPLE]) == samples + shared
    assert len(found[Kind.DATA_SET]) == data_sets
    assert {entity.experiment for entity in found[Kind.DATA_SET]} <= {
        entity.identifier for entity in found[Kind.EXPERIMENT]
    }


def test_a_sample_of_a_project_is_shown_with_its_project(
    examples: Examples, catalogue: OpenBisCatalogue
) -> None:
    of_project = examples.scope(projects=(examples.project_of_group,))
    of_main = examples.scope(projects=(examples.project(examples.main),))
    with catalogue.snapshot() as snapshot:
        samples = snapshot.entities(Kind.SAMPLE, of_project)
        own = {sample.perm_id: sample for sample in samples if sample.project}
        hidden = snapshot.entities(Kind.SAMPLE, of_main)
        elsewhere = {sample.perm_id for sample in hidden}

    assert [sample.identifier for sample in own.values()] == [examples.sample_of_project]
    assert own.keys().isdisjoint(elsewhere)


def test_scopes_that_name_nothing_real_show_nothing_more(
    examples: Examples, catalogue: OpenBisCatalogue
) -> None:
    space, _, other = examples.spaces
    with catalogue.snapshot() as snapshot:
        projects = (f"/{space}/NOTHING", space, f"/{other}/{examples.main}")
        unreal = examples.scope("NOWHERE", space.lower(), projects=projects)
        assert list(snapshot.entities(Kind.SPACE, unreal)) == []
        assert list(snapshot.entities(Kind.PROJECT, unreal)) == []
        assert list(snapshot.entities(Kind.EXPERIMENT, unreal)) == []


def test_a_data_set_of_a_shared_sample_is_shown_to_everybody(
    examples: Examples, copy_openbis: LoadOpenBis, open_catalogue: OpenCatalogue
) -> None:
    url = copy_openbis(examples.database)
    catalogue = open_catalogue(url)
    run(
        url,
        """update samples_all set space_id = null, proj_id = null, expe_id = null
            where id = (select samp_id from data_all where code = '<link>')""".replace(
            "<link>", examples.url_link
        ),
    )

    with catalogue.snapshot() as snapshot:
        (data_set,) = snapshot.entities(Kind.DATA_SET, examples.scope())

    assert data_set.code == examples.url_link
    assert data_set.home == (None, None)
    assert data_set.sample is not None
    assert data_set.sample.count("/") == 1


def test_references_to_what_is_not_within_the_scope_are_left_out(
    examples: Examples, copy_openbis: LoadOpenBis, open_catalogue: OpenCatalogue
) -> None:
    """The data set follows its experiment; its sample lies in a space that is not shown."""
    url = copy_openbis(examples.database)
    catalogue = open_catalogue(url)
    code, its_experiment = examples.without_sample
    space, second, _ = examples.spaces
    run(
        url,
        """update data_all set samp_id = (
               select min(x.id) from samples x join spaces s on s.id = x.space_id
                where s.code = '<space>')
            where code = '<code>'""".replace("<code>", code).replace("<space>", second),
    )

    def the_data_set(shown: Scope) -> tuple[str | None, str | None]:
        with catalogue.snapshot() as snapshot:
            found = {each.code: each for each in snapshot.entities(Kind.DATA_SET, shown)}
        return found[Code(code)].experiment, found[Code(code)].sample

    assert the_data_set(examples.scope(space)) == (its_experiment, None)
    experiment, sample = the_data_set(examples.everything)
    assert experiment == its_experiment
    assert sample is not None
    assert sample.startswith(f"/{second}/")


def test_data_sets_of_samples_are_found_within_the_scope(
    examples: Examples, catalogue: OpenBisCatalogue
) -> None:
    with catalogue.snapshot() as snapshot:
        everything, other = examples.everything, examples.scope(examples.spaces[2])
        samples = [each.perm_id for each in snapshot.entities(Kind.SAMPLE, everything)]
        found = snapshot.data_set_connections(samples, everything)
        of_samples = [each for each in snapshot.entities(Kind.DATA_SET, everything) if each.sample]
        assert snapshot.data_set_connections(samples, other) == {}
        assert snapshot.data_set_connections([], everything) == {}

    codes = [code for each in found.values() for code in each]
    assert sorted(codes) == [each.code for each in of_samples]
    assert examples.hidden not in codes  # its storing is not confirmed


def test_data_sets_of_samples_can_be_asked_for_while_samples_are_read(
    examples: Examples,
    catalogue: OpenBisCatalogue,
) -> None:
    shown = examples.everything
    with catalogue.snapshot() as snapshot:
        plain = [each.perm_id for each in snapshot.entities(Kind.SAMPLE, shown)]
        between = []
        for number, sample in enumerate(snapshot.entities(Kind.SAMPLE, shown)):
            between.append(sample.perm_id)
            if number % 100 == 0:
                snapshot.data_set_connections(between, shown)

    assert between == plain
