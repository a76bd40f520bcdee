"""What a list says to be unknown: how it is written, and what a reader makes of a newer list."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.errors import FormatError
from shared.model.entities import Entity, FileNode
from shared.model.unknown import Part, Reason, Unknown
from shared.resourcesync.items import ListHead, RecordFault
from shared.resourcesync.reader import read_list_part
from shared.resourcesync.v20.entry_reader import READER
from shared.resourcesync.v20.version import V20
from tests.support.instances.builders import a_data_set, a_sample, a_service_file
from tests.support.instances.resource_lists import AT, a_list, entry_of, read

ARCHIVED = Unknown(part=Part.FILES, reason=Reason.ARCHIVED)
HIDDEN = Unknown(part=Part.PROPERTIES, reason=Reason.OUT_OF_SCOPE, detail="ANCESTOR $TWIN")
# Before the first entry: then no entry is read the quick way.
FOR_THE_PARSER = b"<!---->"


def test_the_attribute_is_as_documented() -> None:
    sample = a_sample(unknown=(ARCHIVED, replace(HIDDEN, detail="50 %; rest")))
    written = ' unknown="files archived;properties out-of-scope 50 %25%3B rest"'
    assert entry_of(sample).count(written) == 1
    assert entry_of(sample).replace(written, "") == entry_of(replace(sample, unknown=()))


def test_a_detail_that_xml_cannot_carry_fails_no_record() -> None:
    sample = a_sample(unknown=(replace(ARCHIVED, detail="a\x07b\udce4"),))
    (_, found) = read(a_list([sample]))
    assert isinstance(found, Entity)
    assert found.unknown == (replace(ARCHIVED, detail="a\ufffdb\ufffd"),)


@pytest.mark.parametrize("quickly", [True, False])
@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("files archived", (ARCHIVED,)),
        (" files archived ; ", (ARCHIVED,)),
        ("properties out-of-scope ANCESTOR $TWIN;files archived", (HIDDEN, ARCHIVED)),
        ("files away", (Unknown(part=Part.FILES, reason=Reason.OTHER, detail="away"),)),
        (
            "files on-tape 2 of them%3B later",
            (Unknown(part=Part.FILES, reason=Reason.OTHER, detail="on-tape 2 of them; later"),),
        ),
        ("files", (Unknown(part=Part.FILES, reason=Reason.OTHER),)),
        (
            "properties away A $B",
            (Unknown(part=Part.PROPERTIES, reason=Reason.OTHER, detail="A $B"),),
        ),
        ("", ()),
        (" ", ()),
    ],
)
def test_what_is_read(written: str, meant: tuple[Unknown, ...], *, quickly: bool) -> None:
    (found,) = _read_with(written, quickly=quickly)
    assert isinstance(found, Entity)
    assert found.unknown == meant
    assert replace(found, unknown=()) == a_sample()


@pytest.mark.parametrize("quickly", [True, False])
@pytest.mark.parametrize("written", ["histories archived", "files archived;FILES archived", "?"])
def test_a_part_that_is_not_known_makes_the_record_one_that_cannot_be_read(
    written: str, *, quickly: bool
) -> None:
    (found,) = _read_with(written, quickly=quickly)
    assert isinstance(found, RecordFault)
    assert (found.kind, found.perm_id) == ("SAMPLE", a_sample().perm_id)
    assert "the attribute unknown names the part" in found.reason


def test_an_entity_cannot_leave_out_the_file_service() -> None:
    (found,) = _read_with("file-service not-mounted", quickly=True)
    assert isinstance(found, RecordFault)


def test_a_file_of_the_file_service_has_no_parts() -> None:
    document = a_list([a_service_file()]).replace(b' kind="FILE"', b' kind="FILE" unknown="x y"')
    (_, found) = read(document)
    assert isinstance(found, RecordFault)
    assert "the attribute unknown is 'x y'" in found.reason


def test_entries_with_the_attribute_are_still_read_the_quick_way() -> None:
    sample = a_sample(unknown=(ARCHIVED, HIDDEN))
    assert READER.plain(entry_of(sample).encode()) == sample


def test_a_data_set_whose_files_are_unknown_may_list_some() -> None:
    data_set = a_data_set(files=(FileNode(path="a.txt", length=3),), unknown=(ARCHIVED,))
    assert read(a_list([data_set]))[1:] == [data_set]


@pytest.mark.parametrize("marked", ["files not-mounted", "master-data out-of-scope", "what"])
@pytest.mark.parametrize("at_the_end", [True, False])
def test_a_list_that_leaves_out_what_is_not_known_is_no_list(
    marked: str, *, at_the_end: bool
) -> None:
    document = a_list([a_sample()])
    if at_the_end:
        spoiled = document.replace(
            b"</urlset>", f'<x:unknown unknown="{marked}"/></urlset>'.encode()
        )
    else:
        spoiled = document.replace(b"<rs:md at", f'<rs:md unknown="{marked}" at'.encode())
    with pytest.raises(FormatError, match="leaves out"):
        read(spoiled)


def test_what_turns_out_at_the_end_comes_with_a_second_head() -> None:
    away = Unknown(part=Part.FILE_SERVICE, reason=Reason.NOT_MOUNTED)
    bad = Unknown(part=Part.FILE_SERVICE, reason=Reason.BAD_NAME, detail="1 file")
    document = a_list([a_sample()], unknown=[away], at_the_end=[bad])
    assert read(document) == [
        ListHead(at=AT, unknown=(away,)),
        a_sample(),
        ListHead(at=AT, unknown=(away, bad)),
    ]


def test_a_part_of_a_list_without_a_date_cannot_leave_out_anything() -> None:
    document = a_list([a_sample()], at_the_end=[]).replace(
        b' at="2024-03-05T09:14:07Z"', b' unknown="file-service not-mounted"'
    )
    with pytest.raises(FormatError, match="without a date"):
        list(read_list_part([document], V20))


def _read_with(written: str, *, quickly: bool) -> list[object]:
    """The record of a list whose sample has this attribute."""
    document = a_list([a_sample()]).replace(
        b' kind="SAMPLE"', f' kind="SAMPLE" unknown="{written}"'.encode()
    )
    if not quickly:
        document = document.replace(b"<url>", FOR_THE_PARSER + b"<url>", 1)
    return list(read(document)[1:])
