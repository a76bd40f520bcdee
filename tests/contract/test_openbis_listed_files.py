"""The list of files of an openBIS database: all that is listed can be fetched, as it is listed."""

from __future__ import annotations

import hashlib
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from shared.model.ids import Code
from source_server.catalogues.openbis.catalogue import OpenBisCatalogue
from source_server.publication.catalogue import Catalogue
from source_server.settings import SourceSettings
from source_server.users.sign_in import DirectoryAuthenticator
from tests.conftest import LoadOpenBis, OpenCatalogue
from tests.support.instances.instance import reachable
from tests.support.openbis.examples import Examples
from tests.support.openbis_made import afs
from tests.support.servers.source_site import PASSWORD, Passwords
from tests.support.stock_clients.rules import Checked, checked

LIST = "/resourcesync/files/resourcelist.xml?unseen=left-out"


def mirrored(catalogue: Catalogue, user: str, folder: Path) -> Checked:
    """The list of what can be fetched now; each file has been fetched."""
    settings = SourceSettings(base_dir=folder)
    authenticator = DirectoryAuthenticator([Passwords(**{user: PASSWORD})])
    with (
        reachable(catalogue, authenticator, settings) as url,
        httpx.Client(base_url=url, auth=(user, PASSWORD), timeout=60) as client,
    ):
        listed = checked(client.get(LIST).raise_for_status().content)
        for entry in listed.entries:
            content = client.get(entry.loc.removeprefix(url)).raise_for_status().content
            assert entry.md["length"] == str(len(content)), entry.loc
            kind, _, digits = entry.md.get("hash", "").partition(":")
            assert not kind or hashlib.new(kind.replace("-", ""), content).hexdigest() == digits
    return listed


def sorts(listed: Checked) -> set[str]:
    return {urlsplit(loc).path.split("/")[3] for loc in listed.locs}


def test_an_admin_can_fetch_all_that_is_listed(
    x192: OpenBisCatalogue, examples: Examples, tmp_path: Path
) -> None:
    listed = mirrored(x192, examples.keeper, tmp_path)

    assert sorts(listed) >= {"data-sets", "attachments"}
    assert any("hash" in entry.md for entry in listed.entries)


def test_an_observer_can_fetch_the_files_of_a_space_alone(
    x192: OpenBisCatalogue, examples: Examples, tmp_path: Path
) -> None:
    everything = mirrored(x192, examples.keeper, tmp_path)
    few = mirrored(x192, examples.watcher, tmp_path)

    def below(listed: Checked) -> set[str]:
        return {urlsplit(loc).path for loc in listed.locs}

    assert below(few) < below(everything)


@pytest.mark.parametrize("database", ["made_197", "made_213"])
def test_afs_data_can_be_fetched_as_they_are_listed(
    load_openbis: LoadOpenBis,
    open_catalogue: OpenCatalogue,
    tmp_path: Path,
    database: str,
) -> None:
    afs.write_afs_store(tmp_path / "store")
    catalogue = open_catalogue(load_openbis(database), store_root=tmp_path / "store")
    listed = mirrored(catalogue, "keeper", tmp_path)

    assert "afs" in sorts(listed)
    owners = {Code(urlsplit(loc).path.split("/")[4]) for loc in listed.locs if "/afs/" in loc}
    there = {Code(each.perm_id) for each in afs.CONTENT if not each.gone}
    assert owners <= there
