"""All settings files go the same way: known keys, secrets, the model, faults and warnings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from pydantic import SecretStr

from shared.settings.model import Given, Settings
from shared.settings.pipeline import Checked, Surroundings, checked, sift, written_keys
from shared.settings.values import Integer


class Oven(Settings):
    unwritten = frozenset({"name"})
    ignored_keys = frozenset({"class"})
    ineffective_keys = frozenset({"smell"})
    other_spellings: ClassVar[Mapping[str, str]] = {"colour": "color"}

    name: str
    color: str = "white"
    heat_limit: Integer = 200
    door_code: SecretStr | None = None

    @classmethod
    def notes(cls, given: Mapping[str, Given], /) -> Iterator[tuple[str, str]]:
        if "color" in given:
            yield "color", "fades"


def given(**values: str) -> dict[str, Given]:
    return {
        name.replace("_", "-"): Given(value=value, place=f"oven.txt:{line}")
        for line, (name, value) in enumerate(values.items(), start=1)
    }


def read(folder: Path, environ: Mapping[str, str] | None = None, **values: str) -> Checked[Oven]:
    surroundings = Surroundings(
        place="oven.txt", base=folder, environ=environ or {}, beside={"name": "one"}
    )
    return checked(Oven, sift([Oven], given(**values)).known, surroundings)


def test_the_keys_of_a_file_are_the_fields_and_the_files_of_secrets() -> None:
    assert list(written_keys([Oven])) == ["color", "heat-limit", "door-code", "door-code-file"]


def test_a_key_that_does_not_exist_is_named_with_its_place_and_the_nearest_one() -> None:
    found = sift([Oven], given(heat_limt="3", name="two"))
    assert [str(fault) for fault in found.faults] == [
        "oven.txt:1: heat-limt: there is no such key; did you mean heat-limit?",
        "oven.txt:2: name: there is no such key",
    ]
    assert found.known == {}


def test_a_blank_value_counts_as_not_set() -> None:
    assert sift([Oven], given(color="")).known == {}


def test_some_keys_mean_nothing_and_some_have_another_spelling() -> None:
    found = sift([Oven], {**given(colour="red", smell="none"), "class": given(x="y")["x"]})
    assert found.known["color"].value == "red"
    assert found.faults == []
    assert [str(one) for one in found.warnings] == [
        "oven.txt:2: smell: this key never had an effect; remove it"
    ]


def test_a_key_is_given_in_one_spelling_only() -> None:
    [fault] = sift([Oven], given(colour="red", color="blue")).faults
    assert str(fault) == "oven.txt:1: colour: given already as color; remove one of them"


def test_values_are_checked_and_secrets_read(tmp_path: Path) -> None:
    oven = read(tmp_path, {"DOOR": "hunter2"}, heat_limit="250", door_code="env:DOOR", color="red")
    assert (oven.sound.name, oven.sound.heat_limit) == ("one", 250)
    assert oven.sound.door_code == SecretStr("hunter2")
    assert oven.given["door-code"].value == "hunter2"
    assert [str(one) for one in oven.warnings] == ["oven.txt:3: color: fades"]


def test_all_faults_come_at_once(tmp_path: Path) -> None:
    oven = read(tmp_path, heat_limit="hot", door_code="env:DOOR", color="<name of a color>")
    assert oven.settings is None
    assert sorted(fault.place for fault in oven.faults) == [
        "oven.txt:1",
        "oven.txt:2",
        "oven.txt:3",
    ]
