"""What the commands of the harvester say, and their exit codes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from shared.model.kinds import Kind
from shared.store.users import Role, add_persons, grant, set_password
from tests.support.faults.faulty_source import answering, cut
from tests.support.instances.builders import a_sample
from tests.support.instances.full_instance import FullInstance, full_master_data
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import PASSWORD, USER, Instance, hashed
from tests.support.processes.listening_programs import free_port

NOWHERE = f"http://127.0.0.1:{free_port()}"


@pytest.fixture
def configured(harvest: Harvest) -> Harvest:
    """With a section whose source does not answer."""
    harvest.section("DS1", NOWHERE)
    return harvest


def tree(harvest: Harvest) -> set[str]:
    return {str(path) for path in harvest.root.rglob("*") if "instance.db" not in path.name}


@pytest.mark.parametrize("command", ["run", "audit"])
def test_without_an_instance_the_command_names_the_one_that_makes_it(
    configured: Harvest, command: str
) -> None:
    configured.instance.engine.dispose()
    result = configured.command(command)
    assert result.code == 2
    assert "there is no instance yet; create one with 'harvester init'" in result.output
    assert not (configured.root / "instance.db").exists()


def test_a_wrong_password_of_the_harvester_is_told_without_it(configured: Harvest) -> None:
    configured.init()
    configured.section("DS1", NOWHERE, harvester_pass="guessed")
    for command in ("run", "check-config"):
        result = configured.command(command)
        assert result.code == 2
        assert "[DS1] harvester-pass: wrong password for 'admin'" in result.output
        assert "guessed" not in result.output
    assert "guessed" not in configured.log()


def test_a_harvester_user_who_is_no_admin_may_not_harvest(configured: Harvest) -> None:
    configured.init()
    with configured.instance.engine.begin() as connection:
        add_persons(connection, "", ["mira", "ghost"])
        set_password(connection, "mira", hashed("secret"))
        grant(connection, "mira", Role.POWER_USER)
        grant(connection, "mira", Role.ADMIN, "/ALPHA")
    for user, text in (
        ("mira", "'mira' is no instance admin of the destination"),
        ("ghost", "'ghost' cannot log in to the destination; create the user with"),
        ("nobody", "'nobody' cannot log in to the destination"),
    ):
        configured.section("DS1", NOWHERE, harvester_user=user)
        result = configured.run()
        assert result.code == 2
        assert f"[DS1] harvester-user: {text}" in " ".join(result.output.split())


def test_init_makes_the_admin_and_may_be_repeated(configured: Harvest) -> None:
    first = configured.command("init")
    assert first.code == 0
    assert "ready; admin: admin; " in first.output
    before = configured.instance.tables()
    assert before["person"] != []
    again = configured.command("init")
    assert again.code == 0
    assert "0 internal definitions added" in again.output
    after = configured.instance.tables()
    assert {t for t in before if before[t] != after[t]} == {"person"}  # a hash with another salt
    assert configured.command("check-config").code == 0


def test_init_needs_a_user_from_somewhere(configured: Harvest) -> None:
    configured.section("DS1", NOWHERE, harvester_usr="admin", harvester_user="")
    result = configured.command("init")
    assert result.code == 2
    assert "no section can be read, so there is no harvester-user" in result.output


def test_internal_master_data_are_taken_from_a_list(
    configured: Harvest,
) -> None:
    missing = configured.root / "nothing.xml"
    result = configured.command("init", "--internal-master-data", str(missing))
    assert result.code == 2
    assert f"--internal-master-data {missing}: No such file" in result.output


def test_internal_master_data_that_are_missing_are_told_all_together(
    source: Instance, full_instance: FullInstance, harvest: Harvest
) -> None:
    with source.served() as url:
        harvest.section("DS1", url)
        harvest.init()
        harvest.instance.execute("DELETE FROM master_data")
        result = harvest.run()
    assert result.code == 6
    assert "The internal vocabulary $STORAGE_FORMAT of the data source does not exist" in (
        result.output
    )
    assert "The internal property type $NAME of the data source does not exist" in result.output
    assert harvest.instance.entities() == {}
    assert full_instance.everything


def test_a_wrong_password_of_the_source_names_user_and_url_and_no_password(
    source: Instance, full_instance: FullInstance, harvest: Harvest
) -> None:
    with source.served() as url:
        harvest.section("DS1", url, data_source_auth_pass="guessed")
        harvest.init()
        for command in ("run", "audit"):
            result = harvest.command(command)
            assert result.code == 4
            assert f"{url}/datastore_server/re-sync refuses user {USER} with" in result.output
            assert "guessed" not in result.output
    assert "guessed" not in harvest.log()
    assert PASSWORD not in harvest.log()
    assert full_instance.everything


OUT_OF_ORDER = {
    "down": "cannot be read: ",
    "busy": "answers with status 503: out of order",
    "cut": "cannot be read: ",
}


def test_a_source_that_is_out_of_order_is_told_after_some_tries_and_nothing_changes(
    source: Instance, full_instance: FullInstance, tmp_path: Path
) -> None:
    """All three at once, as processes: each tries again for about twenty seconds."""
    with source.served(answering(503)) as busy, source.served(cut(2000)) as cutting:
        urls = {"down": NOWHERE, "busy": busy, "cut": cutting}
        harvests = {how: _with_an_entity(tmp_path / how, url) for how, url in urls.items()}
        started = {how: harvest.start("run") for how, harvest in harvests.items()}
        for how, process in started.items():
            output, _ = process.communicate(timeout=120)
            assert process.returncode == 3
            assert f"[DS1] FAILED: {urls[how]}/datastore_server/re-sync " in output
            assert OUT_OF_ORDER[how] in output
            assert harvests[how].log().count("trying again in") == 3
            assert harvests[how].instance.rows("SELECT code FROM entity") == [("SAMPLE-90",)]
            assert not list((harvests[how].root / "store").glob("**/*"))
            harvests[how].instance.engine.dispose()
    assert full_instance.everything


def _with_an_entity(root: Path, url: str) -> Harvest:
    harvest = Harvest(root)
    harvest.section("DS1", url, deletion_allowed="true")
    harvest.init()
    harvest.instance.load(full_master_data(), a_sample(90))
    harvest.instance.execute("UPDATE entity SET source = 'DS1'")
    return harvest


def test_a_mistyped_key_stops_its_section_only(
    source: Instance, full_instance: FullInstance, harvest: Harvest
) -> None:
    with source.served() as url:
        harvest.section("BAD", url, deletion_alowed="true")
        harvest.section("GOOD", url)
        harvest.init()
        result = harvest.run()
        assert result.code == 2
        place = re.escape(str(harvest.root / "harvester-config.txt"))
        assert re.search(
            rf"{place}:\d+: \[BAD\] deletion-alowed: there is no such key; "
            "did you mean deletion-allowed\\?",
            result.output,
        )
        assert "[GOOD] OK" in result.output
        assert harvest.run("--section", "GOOD").code == 0
        assert harvest.run("--section", "BAD").code == 2
        check = harvest.command("check-config")
        assert check.code == 2
        assert "[GOOD] can run" in check.output
    assert full_instance.everything


@pytest.mark.parametrize("command", ["run", "audit"])
def test_a_section_that_does_not_exist_is_told_with_the_nearest_one(
    configured: Harvest, command: str
) -> None:
    configured.init()
    result = configured.command(command, "--section", "DS2")
    assert result.code == 2
    assert "there is no section [DS2]; did you mean [DS1]?" in result.output


def test_a_dry_run_changes_nothing(
    source: Instance, full_instance: FullInstance, either: Harvest
) -> None:
    with source.served() as url:
        either.section("DS1", url)
        either.init()
        before, files = either.instance.content(), tree(either)
        result = either.run("--dry-run")
        assert result.code == 0
        assert "OK: the dry run found no error; nothing was changed" in result.output
        assert either.instance.content() == before
        assert tree(either) - files == {str(either.root / "synchronization_DS1.log")}
        assert f" INFO  /ALPHA/KITCHEN/{full_instance.brew.code}\n" in either.log()
        either.section("DS1", url, dry_run="true")
        assert either.run().code == 0
        assert either.instance.content() == before
        audit = either.audit()
        assert audit.code == 9
        assert f"SAMPLE {full_instance.brew.perm_id}: is missing here" in audit.output
        assert either.instance.content() == before
        assert tree(either) - files == {str(either.root / "synchronization_DS1.log")}


def test_a_file_that_was_lost_comes_again_with_the_next_baseline(
    source: Instance, full_instance: FullInstance, either: Harvest
) -> None:
    with source.served() as url:
        either.section("DS1", url, full_sync="true", full_sync_interval="0")
        either.init()
        either.converges()
        lost = (
            either.instance.store.data_set_folder(full_instance.of_well.code) / "original/big.bin"
        )
        lost.unlink()
        either.section("DS1", url)
        assert "nothing to do" in either.run().output
        assert either.audit().code == 9
        either.section("DS1", url, full_sync="true", full_sync_interval="0")
        either.converges()
    assert lost.stat().st_size == full_instance.of_well.files[0].length


def test_a_black_listed_data_set_is_left_out(
    source: Instance, full_instance: FullInstance, harvest: Harvest
) -> None:
    listed = harvest.root / "not-synced-entities_DS1.txt"
    with source.served() as url:
        harvest.section("DS1", url)
        harvest.init()
        listed.write_text(f"# too large\n#DATA_SET-{full_instance.of_well.code}\n")
        assert harvest.run().code == 0
        assert full_instance.of_well.perm_id not in harvest.instance.codes(Kind.DATA_SET)
        assert listed.read_text() == f"# too large\n#DATA_SET-{full_instance.of_well.code}\n"
        listed.unlink()
        harvest.converges()


def test_the_section_log_is_the_one_that_was_configured(
    source: Instance, full_instance: FullInstance, harvest: Harvest, tmp_path: Path
) -> None:
    with source.served() as url:
        harvest.section("DS1", url, log_file="logs/mine.log")
        harvest.init()
        assert harvest.run().code == 0
    text = (harvest.root / "logs" / "mine.log").read_text()
    assert "The timestamp of this synchronization has been saved" in text
    assert full_instance.everything
    assert tmp_path.exists()


def test_check_config_tries_what_a_connection_takes_from_the_environment(
    harvest: Harvest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DS1", "DS2"):
        harvest.section(name, "https://127.0.0.1:1")
    harvest.init()
    assert harvest.command("check-config").code == 0
    missing = tmp_path / "none.pem"
    for variable, value, said in (
        ("NO_PROXY", "::gg,localhost", "environment variable NO_PROXY: '::gg' is neither"),
        ("HTTPS_PROXY", "socks5://there", "a proxy of the environment (HTTP_PROXY, HTTPS_PROXY"),
        ("SSL_CERT_FILE", str(missing), "named by SSL_CERT_FILE or SSL_CERT_DIR cannot be read"),
    ):
        with monkeypatch.context() as patch:
            patch.setenv(variable, value)
            result = harvest.command("check-config")
            assert result.code == 2, (variable, result.output)
            assert result.output.count(said) == 1, result.output
            assert "1 fault found" in result.output
