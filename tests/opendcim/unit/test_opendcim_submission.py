"""The form, the pictures and the memory of what is submitted."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from opendcim.records.records import Template
from opendcim.sync.installation.installed import LocalTemplate
from opendcim.sync.pictures import NoPictureError, examined, file_name, name_in_repository
from opendcim.sync.repository.memory import KeptPicture, Memory, SentSubmission
from opendcim.sync.repository.submission import Parcel, parcel
from opendcim.sync.section import Units
from shared.errors import ConfigError, ItemError
from tests.opendcim.opendcim_repository import chassis, server
from tests.opendcim.opendcim_sites import a_picture


def local(record: Template) -> LocalTemplate:
    return LocalTemplate(template_id=9, manufacturer_id=1, record=record, shared=True, kept=False)


def packed(record: Template, folder: Path) -> Parcel:
    return parcel(local(record), 4, folder, Units.INCH_POUND, None)


def test_a_form_has_phps_brackets_and_ports_by_their_numbers(tmp_path: Path) -> None:
    form = packed(chassis(), tmp_path).form
    assert form["template[Model]"] == "c7000"
    assert (form["template[ManufacturerID]"], form["template[GlobalID]"]) == ("4", "2")
    assert form["templateports[1][Label]"] == "NIC1"
    assert form["templateports[2][PortNumber]"] == "2"
    assert (form["slots[0][X]"], form["slots[1][X]"]) == ("1", "5")
    assert not any("Notes" in key for key in form)


def test_an_snmp_version_that_is_none_is_sent_as_what_the_repository_makes_of_it(
    tmp_path: Path,
) -> None:
    assert packed(server(snmp_version=""), tmp_path).record.snmp_version == "2c"


def test_two_pictures_that_had_one_name_at_the_repository_are_told_apart(tmp_path: Path) -> None:
    names: dict[str, Any] = {}
    for side, color in (("front", "red"), ("rear", "blue")):
        picture = examined(a_picture(color))
        names[f"{side}_picture_file"] = name = file_name(1, "http://x/1.same.png", picture)
        (tmp_path / name).write_bytes(picture.content)
    sent = packed(server(**names), tmp_path)
    assert sent.record.front_picture_file == "same.png"
    assert sent.record.rear_picture_file == "rear-same.png"


@pytest.mark.parametrize("name", ["../secret.png", "/etc/passwd", ".."])
def test_no_file_outside_of_the_folder_is_sent(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.png").write_bytes(a_picture())
    folder = tmp_path / "pictures"
    folder.mkdir()
    with pytest.raises(ItemError, match="is no file name"):
        packed(server(front_picture_file=name), folder)


def test_the_digest_is_that_of_the_content(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(a_picture("red"))
    first = packed(server(front_picture_file="a.png"), tmp_path).digest
    assert packed(server(front_picture_file="a.png"), tmp_path).digest == first
    (tmp_path / "a.png").write_bytes(a_picture("blue"))
    assert packed(server(front_picture_file="a.png"), tmp_path).digest != first
    assert packed(server(wattage=1), tmp_path).digest != first


def test_names_of_files_are_harmless_and_lead_back_to_those_of_the_repository() -> None:
    picture = examined(a_picture())
    name = file_name(5, "https://x/images/approved/5.Fr%C3%B6nt%20(1).png", picture)
    assert name.isascii()
    assert " " not in name
    assert name.startswith("5.Fr_nt_1-")
    assert name_in_repository(5, "5.front-0123abcd.png") == "front.png"
    assert name_in_repository(5, "front-0123abcd.png") == "front-0123abcd.png"


def test_the_extension_is_that_of_the_content() -> None:
    picture = examined(a_picture(kind="JPEG"))
    assert file_name(5, "https://x/5.front.png", picture).endswith(".jpg")


@pytest.mark.parametrize("kind", ["BMP", "TIFF", "WEBP"])
def test_other_kinds_of_pictures_are_refused(kind: str) -> None:
    with pytest.raises(NoPictureError, match="no whole PNG, JPEG or GIF"):
        examined(a_picture(kind=kind))


def test_a_picture_that_would_fill_the_memory_is_refused() -> None:
    file = io.BytesIO()
    Image.new("1", (30_000, 30_000)).save(file, "PNG")
    with pytest.raises(NoPictureError):
        examined(file.getvalue())


def test_the_memory_outlives_the_program(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "m", "https://one.example")
    now = datetime.now(UTC)
    memory.has_run(now)
    memory.keep_picture("https://one.example/1.x.png", KeptPicture(file="f", sha256="0", size=1))
    memory.keep_submission(3, SentSubmission(digest="d", model="M", submitted=now, request_id=7))
    again = Memory(tmp_path / "m", "https://one.example")
    assert again.last_run == now
    assert again.picture_files == {"f"}
    assert again.submission(3) == memory.submission(3)
    again.forget_submission(3)
    assert Memory(tmp_path / "m", "https://one.example").submitted == {}


def test_the_memory_of_another_repository_means_nothing(tmp_path: Path) -> None:
    Memory(tmp_path, "https://one.example").has_run(datetime.now(UTC))
    assert Memory(tmp_path, "https://other.example").last_run is None


def test_a_memory_of_a_later_version_is_read_as_far_as_it_is_known(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text(json.dumps({"repository": "https://x", "more": [1]}))
    assert Memory(tmp_path, "https://x").last_run is None


def test_a_memory_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="opendcim-state-dir"):
        Memory(tmp_path / "file" / "below", "https://x").leave_alone(None)
