"""Submissions as records; only administrators see who submitted."""

from __future__ import annotations

from opendcim.records.texts import encoded
from opendcim.records.writing import Record, write_queue_header, write_queued
from opendcim.repository.queue import Submission
from opendcim.repository.users import User


def stamps(submission: Submission, user: User) -> Record:
    """Submitter and decision as members; only users who may decide see who did."""
    decided = bool(submission.decided)
    return {
        "SubmittedBy": submission.submitted_by if user.administrator else "",
        "SubmissionDate": submission.submitted,
        "ApprovedBy": submission.decided_by if user.may_moderate else "",
        "ApprovedDate": submission.decided if decided else None,
    }


def manufacturer_record(submission: Submission, user: User, *, numbers: bool) -> Record:
    return {
        "RequestID": number(submission.request_id, numbers=numbers),
        "ManufacturerID": number(submission.manufacturer_id, numbers=numbers),
        "Name": encoded(submission.name),
        **stamps(submission, user),
    }


def template_record(submission: Submission, user: User, *, numbers: bool, parts: bool) -> Record:
    """The submitted template as a record, with its parts or without."""
    if submission.template is None:
        raise ValueError("a manufacturer has no template")
    write = write_queued if parts else write_queue_header
    stamped = stamps(submission, user)
    return write(submission.template, submission.request_id, stamped, numbers=numbers)


def state_record(submission: Submission, *, numbers: bool) -> Record:
    """The state of a submission, for its submitter."""
    return {
        "RequestID": number(submission.request_id, numbers=numbers),
        "Subject": submission.subject.value,
        "Name": encoded(submission.name),
        "ManufacturerID": number(submission.manufacturer_id, numbers=numbers),
        "TemplateID": number(submission.template_id, numbers=numbers),
        "State": submission.state.value,
        "Reason": encoded(submission.reason),
        "SubmissionDate": submission.submitted,
        "DecisionDate": submission.decided or None,
    }


def number(value: int, *, numbers: bool) -> object:
    return value if numbers else str(value)
