"""Pictures of templates: only what is one is kept."""

from __future__ import annotations

import hashlib
import struct
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from opendcim.repository.picture_store import PictureStore
from opendcim.repository.refusals import RefusalError
from tests.opendcim.repository_site import a_picture


@pytest.fixture
def store(tmp_path: Path) -> PictureStore:
    made = PictureStore(tmp_path / "pictures", largest=100_000)
    made.prepare()
    return made


@pytest.mark.parametrize(
    ("kind", "media_type"), [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("GIF", "image/gif")]
)
def test_a_picture_is_kept_by_its_content(store: PictureStore, kind: str, media_type: str) -> None:
    content = a_picture(kind)
    picture = store.add("whatever.txt", content)

    assert (picture.media_type, picture.width, picture.height) == (media_type, 400, 80)
    assert picture.sha256 == hashlib.sha256(content).hexdigest()
    assert store.place(picture.sha256).read_bytes() == content


def test_the_same_picture_is_kept_once(store: PictureStore, tmp_path: Path) -> None:
    first, second = store.add("a.png", a_picture()), store.add("b.png", a_picture())

    assert first.sha256 == second.sha256
    assert len([p for p in tmp_path.rglob("*") if p.is_file()]) == 1


def a_bomb(width: int, height: int) -> bytes:
    """A small PNG that says it is huge."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(bytes(1_000_000), 9))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"not a picture", "no whole PNG, JPEG or GIF"),
        (b"", "no whole PNG, JPEG or GIF"),
        (a_picture()[:200], "no whole PNG, JPEG or GIF"),
        (a_picture("BMP", (20, 20)), "no whole PNG, JPEG or GIF"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", "no whole PNG, JPEG or GIF"),
        (b"<html><body>502 Bad Gateway</body></html>", "no whole PNG, JPEG or GIF"),
        (a_bomb(6_000, 6_000), "6000 x 6000 pixels"),
        (a_bomb(12_000, 12_000), "."),
        (a_bomb(60_000, 60_000), "."),
        (bytes(100_001), "larger than 100,000 bytes"),
    ],
)
def test_nothing_else_is_kept(
    store: PictureStore, tmp_path: Path, content: bytes, reason: str
) -> None:
    with pytest.raises(RefusalError, match=reason) as refused:
        store.add("x.png", content)

    assert refused.value.status == 400
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "A" * 64, "0" * 63])
def test_only_a_hash_is_a_place(store: PictureStore, name: str) -> None:
    with pytest.raises(ValueError, match="no SHA-256"):
        store.place(name)


def a_photograph(kind: str, orientation: int) -> bytes:
    """With the place and the camera in it."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "Camera of site A"
    exif.get_ifd(0x8825)[2] = (50.0, 51.0, 0.0)
    written = BytesIO()
    text = PngInfo()
    text.add_text("Author", "Camera of site A")
    options: dict[str, Any] = (
        {"comment": b"Camera of site A"} if kind == "JPEG" else {"pnginfo": text}
    )
    noise = Image.effect_noise((60, 40), 50).convert("RGB")
    noise.save(written, kind, exif=exif.tobytes(), **options)
    return written.getvalue()


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_photograph_does_not_tell_whose_it_is(
    store: PictureStore, kind: str, orientation: int
) -> None:
    content = a_photograph(kind, orientation)
    picture = store.add("photo", content)
    kept = store.place(picture.sha256).read_bytes()

    assert b"site A" in content
    assert b"site A" not in kept
    before, after = Image.open(BytesIO(content)), Image.open(BytesIO(kept))
    assert after.tobytes() == before.tobytes()
    assert not after.getexif().get_ifd(0x8825)
    if kind == "JPEG":
        assert after.getexif().get(0x0112, 1) == orientation


def test_what_is_hidden_behind_the_end_of_a_picture_goes(store: PictureStore) -> None:
    picture = store.add("x.png", a_picture() + b"PK\x03\x04 an archive")

    assert store.place(picture.sha256).read_bytes() == a_picture()


def a_gif(comment: bytes) -> bytes:
    """Two pictures that repeat three times."""
    written = BytesIO()
    frames = [Image.effect_noise((30, 20), 50).convert("P") for _ in range(2)]
    frames[0].save(
        written,
        "GIF",
        save_all=True,
        append_images=frames[1:],
        loop=3,
        duration=70,
        comment=comment,
    )
    return written.getvalue()


def test_a_gif_keeps_its_pictures_and_their_timing_alone(store: PictureStore) -> None:
    content = a_gif(b"Camera of site A") + a_photograph("JPEG", 1)
    picture = store.add("x.gif", content)
    kept = store.place(picture.sha256).read_bytes()

    assert b"site A" in content
    assert b"site A" not in kept
    assert kept.endswith(b";")
    before, after = Image.open(BytesIO(content)), Image.open(BytesIO(kept))
    assert after.info["loop"] == before.info["loop"] == 3
    for number in range(2):
        before.seek(number)
        after.seek(number)
        assert after.info["duration"] == 70
        assert after.tobytes() == before.tobytes()


@pytest.mark.parametrize("progressive", [True, False])
def test_a_jpeg_ends_with_its_first_picture(store: PictureStore, progressive: object) -> None:
    """Cameras put a second picture, with particulars of its own, behind the first one."""
    a_second = b"Camera of site A"
    written = BytesIO()
    noise = Image.effect_noise((60, 40), 50).convert("RGB")
    noise.save(written, "JPEG", progressive=bool(progressive), icc_profile=b"colours")
    plain = written.getvalue()
    other = a_photograph("JPEG", 1)
    index = b"Meta\0" + a_second
    comment = b"\xff\xfe" + struct.pack(">H", len(a_second) + 2) + a_second
    listed = b"\xff\xe3" + struct.pack(">H", len(index) + 2) + index
    scan = plain.rindex(b"\xff\xda")
    content = plain[:2] + listed + plain[2:scan] + comment + plain[scan:] + other + b"PK"

    picture = store.add("x.jpg", content)

    kept = store.place(picture.sha256).read_bytes()
    assert kept == plain
    assert Image.open(BytesIO(kept)).info["icc_profile"] == b"colours"


def test_of_several_pictures_in_one_file_the_first_one_stays(store: PictureStore) -> None:
    written = BytesIO()
    first, second = (Image.effect_noise((60, 40), 50).convert("RGB") for _ in range(2))
    first.save(written, "MPO", save_all=True, append_images=[second])
    content = written.getvalue() + b"behind the end"

    picture = store.add("x.jpg", content)

    kept = store.place(picture.sha256).read_bytes()
    assert picture.media_type == "image/jpeg"
    assert len(kept) < len(content) * 2 / 3
    shown = Image.open(BytesIO(kept))
    assert shown.format == "JPEG"
    assert shown.tobytes() == Image.open(BytesIO(content)).tobytes()


@pytest.mark.parametrize("cut", [1, 30, 400])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF"])
def test_a_picture_without_its_end_is_refused(store: PictureStore, kind: str, cut: int) -> None:
    content = a_gif(b"x") if kind == "GIF" else a_photograph(kind, 1)
    if kind == "JPEG" and cut == 1:
        cut = 2  # Pillow takes a picture whose last byte alone is missing
    with pytest.raises(RefusalError, match="is no whole PNG, JPEG or GIF"):
        store.add("x", content[:-cut])


def test_what_a_killed_program_was_writing_goes_and_other_files_stay(store: PictureStore) -> None:
    kept = store.place(store.add("x.png", a_picture()).sha256)
    folder = kept.parent
    killed = [folder / f".{'0a' * 16}.part", folder / "tmpabc_0123.part"]
    others = [folder / ".x.part", folder / "notes.txt"]
    for path in (*killed, *others):
        path.write_bytes(b"x")

    assert store.remove_others([kept.name], older_than=kept.stat().st_mtime + 3600) == 2

    assert set(folder.iterdir()) == {kept, *others}
    assert kept.stat().st_mode & 0o777 == 0o600
