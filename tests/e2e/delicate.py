"""The moments at which a crash could do harm: tests of this folder kill a harvester at each.

Together they have all checkpoints of the code; `tests/unit/test_checkpoints.py` says so.
"""

from __future__ import annotations

from tests.support.processes.moments import PASS_BEGINS, RUN_BEGINS, Moment
from tests.support.worlds.two_days import LARGE_CODE, REPLACED

BEFORE = (
    Moment(name=RUN_BEGINS),
    Moment(name="the run is noted"),
    Moment(name="a part of the list is written", after=1),
    Moment(name="the list is read"),
    Moment(name=PASS_BEGINS),
    Moment(name="the steps of one transaction are about to be committed", rehearsal=False),
    Moment(name="the steps of one transaction are committed", rehearsal=False),
)
EARLY = (
    Moment(name="files are about to be moved", about="TRASH DATA_SET"),
    Moment(name="files are about to be moved", about="TRASH DATA_SET", after=3),
    Moment(name="files are moved, and that is not noted", about="TRASH DATA_SET"),
    Moment(name="files are about to be moved", about="second.txt"),
    Moment(name="files are about to be removed", about="ATTACHMENT"),
    Moment(name="files are about to be removed", about="TRASH "),
    Moment(name="os.remove", about="old.txt"),  # the trash is half purged
    Moment(name="files are removed, and that is not noted", about="TRASH "),
    Moment(name="a file is about to be put in place", about="/attachments/"),
    Moment(name="a file is in place", about="/attachments/"),
    Moment(name="attachments are in place, and have no rows", rehearsal=False),
    Moment(name="a file of the file service is about to be put in place"),
    Moment(name="a file of the file service is in place"),
)
MIDDLE = (
    Moment(name="an old data set is about to make room", about=REPLACED),
    Moment(name="an old data set has made room", about=REPLACED),
    Moment(name="what data sets have replaced is about to be removed"),
    Moment(name="an unchanged file is about to be linked", about=REPLACED),
    Moment(name="a large file is about to be put in place"),
    Moment(name="a data set waits for its place", after=1),
    Moment(name="a data set is about to be put in place", about=LARGE_CODE),
    Moment(name="a data set is in place", about=LARGE_CODE),
    Moment(name="data sets are in place, and have no rows", rehearsal=False),
    Moment(name="data sets are about to be committed", rehearsal=False),
)
LATE = (
    Moment(name="all steps are done, and the source does not know"),
    Moment(name="a transaction is about to be committed", rehearsal=False, after=4),
    Moment(name="a transaction is committed", rehearsal=False, after=4),
    Moment(name="a file is written aside, but not synced", about="not-synced-entities"),
    Moment(name="a file is about to be put in place", about="not-synced-entities"),
    Moment(name="a file is written aside, but not synced", about="last-sync-timestamp"),
    Moment(name="a file is about to be put in place", about="last-sync-timestamp"),
    Moment(name="a file is in place", about="last-sync-timestamp"),
    Moment(name="the end of the run is about to be noted"),
    Moment(name="the end of the run is about to be committed"),
)
IN_A_HARVEST = (*BEFORE, *EARLY, *MIDDLE, *LATE)

# What an earlier run had brought of them is still kept aside.
COMMITTED = Moment(name="data sets are committed", rehearsal=False)
MADE_ROOM = Moment(name="an old data set has made room")
UNWRITTEN = Moment(name="data sets are in place, and have no rows", rehearsal=False)
# Of what a run before was replacing when it was killed.
PUTTING_BACK = (
    Moment(name="an old data set is about to be put back"),
    Moment(name="an old data set is back"),
)
# Of what a repair finds in the place of a file.
SETTING_ASIDE = (
    Moment(name="something is about to be set aside"),
    Moment(name="something is set aside"),
)
