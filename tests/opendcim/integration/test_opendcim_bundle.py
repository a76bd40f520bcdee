"""Bundles: what a repository publishes, brought to a site that cannot reach it."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from opendcim.records.records import Manufacturer
from tests.opendcim.opendcim_repository import a_repository, cdu, chassis, server
from tests.opendcim.opendcim_sites import Site, a_picture

RED = a_picture("red")
HOME = "https://repository.example.org"
MODELS = "select Model from fac_DeviceTemplate order by 1"


@pytest.fixture
def offline(tmp_path: Path) -> Site:
    site = Site(tmp_path / "offline")
    site.create()
    site.execute_sql("insert into fac_Manufacturer values (1, 'hpe', 0, 1)")
    return site


def export(dcim: Site, folder: Path, *options: str) -> tuple[Path, str]:
    """From a repository with all there is; afterwards it is as if the bundle came from HOME."""
    bundle = folder / "bundle.zip"
    with a_repository(server(), chassis(), cdu()) as repository:
        repository.manufacturers.append(Manufacturer(manufacturer_id=2, name="Dell"))
        repository.pictures = {"1.front.png": RED}
        repository.templates[0] = server(front_picture_file=repository.address("1.front.png"))
        dcim.repository(repository.base)
        result = dcim.command("opendcim", "export", str(bundle), *options)
        assert result.code == 0, result.output
        url = repository.base
    return bundle, url + "\n" + result.output


def opendcim(site: Site, *words: str) -> tuple[int, str]:
    result = site.command("opendcim", *words)
    return result.code, result.output


def test_a_site_without_a_network_gets_all_of_it(dcim: Site, offline: Site, tmp_path: Path) -> None:
    bundle, told = export(dcim, tmp_path, "--all")
    url, *output = told.splitlines()
    assert output == [f"{bundle}: 2 manufacturers, 3 templates, 1 pictures"]
    offline.repository(url, api_key="")
    code, plan = opendcim(offline, "import", str(bundle), "--dry-run")
    assert (code, offline.rows(MODELS)) == (0, [])
    assert "HPE/DL380 Gen9: new, GlobalID 1" in plan
    code, text = opendcim(offline, "import", str(bundle))
    assert code == 0, text
    assert offline.rows(MODELS) == [("AP7841",), ("DL380 Gen9",), ("c7000",)]
    assert list(offline.picture_files().values()) == [RED]
    assert "nothing to do" in opendcim(offline, "import", str(bundle))[1]
    offline.close()


def test_manufacturers_that_are_not_in_the_bundle_are_left_as_they_are(
    dcim: Site, offline: Site, tmp_path: Path
) -> None:
    bundle, told = export(dcim, tmp_path, "--manufacturer", "dell")
    offline.repository(told.splitlines()[0], api_key="")
    code, text = opendcim(offline, "import", str(bundle))
    assert code == 0
    assert "HPE: subscribed, but not in the bundle" in text
    assert offline.rows("select Name from fac_Manufacturer order by 1") == [("Dell",), ("HPE",)]
    offline.close()


def test_only_what_is_subscribed_is_exported_unless_more_is_wanted(
    dcim: Site, tmp_path: Path
) -> None:
    dcim.execute_sql("insert into fac_Manufacturer values (1, 'dell', 0, 1)")
    _, told = export(dcim, tmp_path)
    assert "2 manufacturers, 0 templates" in told
    dcim.execute_sql("delete from fac_Manufacturer")
    with a_repository() as repository:
        dcim.repository(repository.base)
        code, text = opendcim(dcim, "export", str(tmp_path / "none.zip"))
        assert (code, "no manufacturer is subscribed" in text) == (2, True)
        code, text = opendcim(dcim, "export", str(tmp_path / "x.zip"), "--manufacturer", "HPEE")
        assert (code, "did you mean 'hpe'?" in text) == (2, True)


def test_a_bundle_of_another_repository_is_refused(
    dcim: Site, offline: Site, tmp_path: Path
) -> None:
    bundle, _ = export(dcim, tmp_path, "--all")
    offline.repository(HOME, api_key="")
    code, text = opendcim(offline, "import", str(bundle))
    assert code == 2
    assert "ids of one repository mean nothing in another" in text
    offline.close()


def test_a_damaged_bundle_changes_nothing(dcim: Site, offline: Site, tmp_path: Path) -> None:
    bundle, told = export(dcim, tmp_path, "--all")
    offline.repository(told.splitlines()[0], api_key="")
    before = offline.all_rows()
    whole = bundle.read_bytes()
    spoilt = tmp_path / "spoilt.zip"
    spoilt.write_bytes(whole[:-100])
    assert opendcim(offline, "import", str(spoilt))[0] == 5
    with zipfile.ZipFile(bundle) as old, zipfile.ZipFile(spoilt, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, content.replace(b"DL380", b"DL381"))
    code, text = opendcim(offline, "import", str(spoilt))
    assert code == 5
    assert "the checksum of bundle.json is wrong" in text
    assert opendcim(offline, "import", str(tmp_path / "nowhere.zip"))[0] == 2
    assert offline.all_rows() == before
    offline.close()


def test_init_makes_the_tables_where_there_is_no_real_opendcim(tmp_path: Path) -> None:
    site = Site(tmp_path / "site")
    site.repository(HOME, units="metric")
    code, text = opendcim(site, "init")
    assert (code, "ready" in text) == (0, True)
    assert site.rows("select Value from fac_Config") == [("metric",)]
    assert "was there already" in opendcim(site, "init")[1]
    site.close()


def test_it_must_be_clear_which_section_is_meant(dcim: Site, tmp_path: Path) -> None:
    dcim.repository(HOME)
    code, text = opendcim(dcim, "import", str(tmp_path / "x"), "--section", "DICM")
    assert code == 2
    assert "[DICM]" in text


def test_what_a_site_without_a_network_shares_is_submitted_elsewhere(
    dcim: Site, tmp_path: Path
) -> None:
    offline, bundle = Site(tmp_path / "offline"), tmp_path / "shared.zip"
    offline.start_state()
    offline.execute_sql("update fac_DeviceTemplate set Model = 'X' where TemplateID = 104")
    with a_repository() as repository:
        for site, key in ((offline, ""), (dcim, "KEY-ALICE-0001")):
            site.repository(repository.base, api_key=key)
        code, text = opendcim(offline, "export", "--shared", str(bundle))
        assert (code, "3 templates to be submitted" in text) == (0, True)
        code, text = opendcim(dcim, "import", str(bundle), "--dry-run")
        assert "ML350 no picture: submitted to the queue" in text
        assert repository.queue == {}
        code, text = opendcim(dcim, "import", str(bundle))
        assert code == 7
        assert "the repository does not know the manufacturer 'LocalOnly GmbH'" in text
        models = [one.model for one in repository.queue.values()]
        assert models == ["ML350 no picture", "DL20 with picture"]
        assert repository.uploads == {2: {"front": offline.picture_files()["dl20.png"]}}
        opendcim(dcim, "import", str(bundle))
        assert len(repository.queue) == 2
    assert dcim.rows(MODELS) == []
    offline.close()
