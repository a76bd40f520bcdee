"""What each event means, and what an operator should do about it."""

from __future__ import annotations

from dataclasses import dataclass

from harvester.memory.runs import Verdict
from harvester.notices.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """``what`` has happened, one sentence; ``todo``: what to do, some sentences."""

    what: str
    todo: str


_OF_VERDICTS = {
    Verdict.UNREACHABLE: Advice(
        what="The data source cannot be read at the moment.",
        todo="Nothing, if it passes: the next run tries again, and a mail says when it works. If it"
        " lasts, see whether the source server runs, and whether this machine reaches it (network,"
        " proxy, certificate); 'harvester check-config --online' tries it.",
    ),
    Verdict.REFUSED: Advice(
        what="The data source refuses the user or the password.",
        todo="Correct data-source-auth-user and data-source-auth-pass of the section (api-user-id"
        " and api-key, if it is a template repository), or let the source's administrator give that"
        " user the right. Trying again does not help.",
    ),
    Verdict.UNUSABLE: Advice(
        what="The data source answered, but not with a whole and readable resource list.",
        todo="Check resource-list-url. If it is right, the source server's own log says what"
        " happened there; tell its administrator.",
    ),
    Verdict.CONFLICT: Advice(
        what="The master data of source and destination contradict each other.",
        todo="Each reason below names a definition: make it the same on both sides, or rename one"
        " of them.",
    ),
    Verdict.CONFIG: Advice(
        what="The settings are wrong.",
        todo="Correct what is named below; 'harvester check-config' shows what is left.",
    ),
    Verdict.FAILED: Advice(
        what="A fault of the program, of the machine, or of the destination's database.",
        todo="See the error and the log: is the disk full, does the database run? If it happens"
        " again without such a reason, report it with the log.",
    ),
    Verdict.PARTIAL: Advice(
        what="One item failed, and stop-on-first-failure is on.",
        todo="See the reason below. With stop-on-first-failure = false all else would go on.",
    ),
}
_OF_EVENTS = {
    Event.STALLED: Advice(
        what="There was no progress for longer than stall-timeout, so the run was given up.",
        todo="The next run goes on from there. If it stalls again, see what it waited for (the end"
        " of the log): the source server, the network, the destination's database or its disk.",
    ),
    Event.PARTLY_FAILED: Advice(
        what="Some items could not be synchronized; all else goes on.",
        todo="They are tried again by themselves, with growing pauses. Mend what the reasons name."
        " 'harvester retry' ends the pauses, 'harvester ignore' keeps a data set away for ever,"
        " 'harvester failed' lists what waits.",
    ),
    Event.HELD_BACK: Advice(
        what="Deletions look like an accident on the data source and wait for you; all else goes"
        " on.",
        todo="Look whether these things are really gone from the data source on purpose. If they"
        " are, let them through: 'harvester release' with the number of the real run that held them"
        " back; the next run then deletes them. If not, put the source right: what is there again"
        " is no longer held back.",
    ),
    Event.RECOVERED: Advice(what="The run went well again.", todo="Nothing."),
    Event.CANNOT_START: _OF_VERDICTS[Verdict.CONFIG],
}


def advice(event: Event, verdict: Verdict) -> Advice:
    return _OF_EVENTS.get(event) or _OF_VERDICTS[verdict]
