"""The short summary of a step, and the order of its lists."""

from __future__ import annotations

from harvester.logs.summaries import called, figures, groups, short_summary
from harvester.runs.report import Outcome, Verb
from shared.errors import ItemError


def test_the_summary_has_the_original_s_form() -> None:
    outcome = Outcome()
    outcome.count(Verb.UPDATED, "DATA_SET", 12)
    outcome.count(Verb.CREATED, "DATA_SET", 3, sort="PHYSICAL")
    outcome.count(Verb.CREATED, "DATA_SET", 1_234_567, sort="LINK")
    outcome.fail(ItemError("DATA_SET", "X", "too large"))
    outcome.postponed.append(("DATA_SET", "Y"))
    assert list(short_summary("Register data sets", outcome)) == [
        "/-------------- Register data sets",
        "| 1234570 data sets ADDED",
        "|          1234567 link data sets ADDED",
        "|                3 physical data sets ADDED",
        "|      12 data sets UPDATED",
        "|       1 items FAILED",
        "|       1 items POSTPONED, because they failed lately",
        "\\______________",
    ]


def test_a_step_without_changes_says_so() -> None:
    assert list(short_summary("Delete entities", Outcome()))[1:-1] == ["|         nothing to do"]


def test_terms_and_assignments_stand_below_what_they_belong_to() -> None:
    outcome = Outcome()
    for kind in ("TERM", "SAMPLE_TYPE", "PROPERTY_ASSIGNMENT", "VOCABULARY", "DATA_SET_TYPE"):
        outcome.count(Verb.CREATED, kind, 2)
    outcome.count(Verb.UPDATED, "TERM", 1)
    outcome.count(Verb.DELETED, "PROPERTY_ASSIGNMENT", 1)
    outcome.count(Verb.SKIPPED, "VOCABULARY", 1)
    assert list(short_summary("Register master data", outcome))[1:-1] == [
        "|       2 vocabularies ADDED",
        "|                2 terms ADDED",
        "|                1 terms UPDATED",
        "|       1 vocabularies SKIPPED",
        "|       2 sample types ADDED",
        "|       2 data set types ADDED",
        "|                2 property assignments ADDED",
        "|                1 property assignments REMOVED",
    ]


def test_the_deletions_are_named_by_their_kind() -> None:
    outcome = Outcome()
    outcome.count(Verb.HELD_BACK, "SAMPLE", 5)
    outcome.count(Verb.DELETED, "EXPERIMENT", 2)
    outcome.count(Verb.DELETED, "MATERIAL", 1)
    assert list(short_summary("Delete entities", outcome))[1:-1] == [
        "|       2 experiments REMOVED",
        "|       5 samples HELD BACK",
        "|       1 materials REMOVED",
    ]


def test_kinds_that_the_summary_does_not_know_are_shown_at_the_end() -> None:
    assert called(("SAMPLE frozen flags", Verb.UPDATED, "")) == "sample frozen flags UPDATED"
    outcome = Outcome(verbose=True)
    outcome.note(Verb.UPDATED, "SAMPLE frozen flags", ("a",))
    outcome.note(Verb.CREATED, "USER", ("otto",))
    outcome.note(Verb.CREATED, "DATA_SET", ("c",), sort="PHYSICAL")
    outcome.note(Verb.CREATED, "DATA_SET", ("b",), sort="LINK")
    assert [called(group) for group in groups(outcome)] == [
        "link data sets ADDED",
        "physical data sets ADDED",
        "users ADDED",
        "sample frozen flags UPDATED",
    ]


def test_programs_get_the_same_numbers() -> None:
    outcome = Outcome()
    outcome.count(Verb.CREATED, "DATA_SET", 3, sort="PHYSICAL")
    outcome.count(Verb.SKIPPED, "SAMPLE", 2)
    assert figures(outcome) == {
        "changes": 3,
        "counts": [
            {"kind": "DATA_SET", "verb": "created", "number": 3, "of_which": {"PHYSICAL": 3}},
            {"kind": "SAMPLE", "verb": "skipped", "number": 2},
        ],
        "failed": 0,
        "postponed": 0,
    }


def test_names_are_kept_only_if_they_are_wanted() -> None:
    quiet, verbose = Outcome(), Outcome(verbose=True)
    for outcome in (quiet, verbose):
        outcome.note(Verb.CREATED, "SAMPLE", ("/B", "/A"))
        outcome.show("files of data sets", ("a (1 bytes)",))
        assert outcome.counts["SAMPLE", Verb.CREATED] == 2
    assert list(quiet.items) == []
    assert quiet.lists == {}
    assert list(verbose.items) == [
        (Verb.CREATED, "SAMPLE", "/A"),
        (Verb.CREATED, "SAMPLE", "/B"),
    ]
    assert list(verbose.lists["files of data sets"]) == ["a (1 bytes)"]
