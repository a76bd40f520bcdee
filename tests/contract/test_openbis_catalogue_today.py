"""What schemas 193 to 213 brought: persons and roles that expire. Several values of a property and
AFS data have tests of their own."""

from __future__ import annotations

import pytest

from shared.errors import ConfigError
from shared.model.entities import Entity
from shared.model.kinds import Kind
from shared.model.unknown import Part, Reason, Unknown
from source_server.catalogues.openbis.catalogue import OpenBisCatalogue
from source_server.publication.catalogue import Scope
from source_server.publication.unseen import Unseen
from tests.conftest import LoadOpenBis, OpenCatalogue
from tests.support.instances.builders import a_sample
from tests.support.openbis_made import later
from tests.support.servers.postgres import run

BEFORE_AND_AFTER = ("made_203", "made_207", "made_213")


def entities(catalogue: OpenBisCatalogue, kind: Kind) -> dict[str, Entity]:
    """All entities of a kind, by code."""
    with catalogue.snapshot() as view:
        everything = Scope(spaces=frozenset(view.space_codes()))
        return {each.code: each for each in view.entities(kind, everything)}


@pytest.mark.parametrize("database", BEFORE_AND_AFTER)
def test_a_person_who_has_expired_sees_nothing(
    load_openbis: LoadOpenBis, open_catalogue: OpenCatalogue, database: str
) -> None:
    catalogue = open_catalogue(load_openbis(database))

    assert catalogue.scope_of(later.EXPIRED) is None
    assert catalogue.scope_of(later.EXPIRED_OF_CREW) is None
    assert catalogue.scope_of(later.NOT_EXPIRED) == catalogue.scope_of("keeper")


def test_a_person_expires_at_once(copy_openbis: LoadOpenBis, open_catalogue: OpenCatalogue) -> None:
    url = copy_openbis("made_213")
    catalogue = open_catalogue(url)
    assert catalogue.scope_of(later.NOT_EXPIRED) is not None

    run(url, f"update persons set expiry_timestamp = now() where user_id = '{later.NOT_EXPIRED}'")  # noqa: S608

    assert catalogue.scope_of(later.NOT_EXPIRED) is None


@pytest.mark.parametrize("database", ["x207_features", "x213_features"])
def test_given_persons_who_have_expired_see_nothing(
    load_openbis: LoadOpenBis, open_catalogue: OpenCatalogue, database: str
) -> None:
    catalogue = open_catalogue(load_openbis(database))

    assert catalogue.scope_of("x7_expired") is None
    assert catalogue.scope_of("x7_expired_group") is None
    assert catalogue.scope_of("x7_expires_later") is not None
    assert catalogue.scope_of("test") is not None


@pytest.mark.parametrize("database", ["made_201", "made_202"])
def test_a_role_that_has_expired_shows_nothing(
    load_openbis: LoadOpenBis, open_catalogue: OpenCatalogue, database: str
) -> None:
    catalogue = open_catalogue(load_openbis(database))

    assert catalogue.scope_of(later.LAPSED) is None
    assert catalogue.scope_of(later.NOT_LAPSED) == catalogue.scope_of("keeper")


def test_an_upgrade_under_a_running_server_is_noticed(
    copy_openbis: LoadOpenBis, open_catalogue: OpenCatalogue
) -> None:
    url = copy_openbis("made_202")
    catalogue = open_catalogue(url)
    assert catalogue.scope_of("keeper") is not None

    run(
        url,
        "alter table role_assignments drop expiry_timestamp",
        "alter table persons add expiry_timestamp timestamptz",
        "update persons set expiry_timestamp = '2024-01-01' where user_id = 'keeper'",
        "insert into database_version_logs values ('203', 'openBIS', 'SUCCESS')",
    )

    assert catalogue.scope_of("keeper") is None
    assert catalogue.schema_version == 203


def test_an_upgrade_to_an_unknown_schema_ends_all_answers(
    copy_openbis: LoadOpenBis, open_catalogue: OpenCatalogue
) -> None:
    url = copy_openbis("made_213")
    catalogue = open_catalogue(url)
    run(url, "insert into database_version_logs values ('214', 'openBIS', 'SUCCESS')")

    with pytest.raises(ConfigError, match="allow-newer-schema"):
        catalogue.scope_of("keeper")
    with pytest.raises(ConfigError, match="allow-newer-schema"), catalogue.snapshot():
        pass


def test_a_text_that_is_not_listed_may_mention_files() -> None:
    unseen = Unseen()
    assert unseen.of_the_list() == []
    mark = Unknown(part=Part.PROPERTIES, reason=Reason.SEVERAL_VALUES, detail="NOTES")
    unseen.note([a_sample(unknown=(mark,))])
    assert [one.part for one in unseen.of_the_list()] == [Part.FILE_SERVICE]


def test_materials_and_file_formats_are_gone_from_210_and_211_on(
    load_openbis: LoadOpenBis, open_catalogue: OpenCatalogue
) -> None:
    for version in (209, 210, 211, 213):
        catalogue = open_catalogue(load_openbis(f"made_{version}"))
        with catalogue.snapshot() as view:
            defined = view.master_data()
        materials = entities(catalogue, Kind.MATERIAL)
        assert bool(materials) == (version < 210), version
        assert bool(defined.file_format_types) == (version < 211), version
        of_kinds = {each.kind for each in defined.entity_types}
        assert (Kind.MATERIAL in of_kinds) == (version < 210), version


def test_json_is_listed_as_it_was_entered_from_212_on(
    load_openbis: LoadOpenBis, open_catalogue: OpenCatalogue
) -> None:
    for version, listed in (
        (207, '{"a": [true, null], "b": 1}'),
        (213, '{"b": 1, "a": [true, null]}'),
    ):
        samples = entities(open_catalogue(load_openbis(f"made_{version}")), Kind.SAMPLE)
        assert samples["PLATE-1"].properties["SETTINGS"] == listed
