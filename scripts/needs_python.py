"""Says so plainly if this Python is too old; written so that an old one can read it."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - that is the question here
    sys.exit(
        "openbis-sync needs Python 3.11 or newer, this is %s; name another one: "  # noqa: UP031
        "make PYTHON=python3.12 ..." % sys.version.split()[0]
    )
