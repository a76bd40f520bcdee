"""A catalogue finds one data set by its code, within a scope, as its list shows it."""

from __future__ import annotations

from shared.model.ids import Code
from shared.model.kinds import Kind
from source_server.catalogues.embedded import EmbeddedCatalogue
from source_server.catalogues.openbis.catalogue import OpenBisCatalogue
from source_server.publication.catalogue import Scope
from tests.support.instances.builders import a_data_set, a_sample, a_space, perm_id
from tests.support.instances.instance import Instance, a_file
from tests.support.openbis.examples import Examples
from tests.support.openbis.reading import entities

ALPHA, BETA = (Scope(spaces=frozenset({Code(code)})) for code in ("ALPHA", "BETA"))


def test_one_of_the_store(instance: Instance) -> None:
    data = a_data_set(
        4,
        is_afs=True,
        sample="/ALPHA/SAMPLE-4",
        files=(a_file("a", b"a"), a_file("b/c", b"")),
        empty_folders=("d",),
        meta_data={},
    )
    instance.load(a_space(), a_space("BETA"), a_sample(4), data, a_data_set(5))
    root = instance.root
    catalogue = EmbeddedCatalogue(
        instance.engine, store_root=root / "store", service_root=root / "file-service"
    )
    assert catalogue.data_set(data.code, ALPHA) == data
    assert catalogue.data_set(data.code, BETA) is None
    assert catalogue.data_set(Code("nowhere"), ALPHA) is None
    shared = catalogue.data_set(Code(perm_id(5)), BETA)
    assert shared is not None
    assert not shared.is_afs


def test_one_of_openbis(examples: Examples, x192: OpenBisCatalogue) -> None:
    listed = entities(x192, Kind.DATA_SET)
    for code in (examples.of_sample[0], examples.git_link, examples.container):
        assert x192.data_set(Code(code), examples.everything) == listed[code]
    assert x192.data_set(Code(examples.readme), Scope()) is None
    assert x192.data_set(Code("nowhere"), examples.everything) is None
    assert x192.data_set(Code("\0"), examples.everything) is None
