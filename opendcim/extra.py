"""What openDCIM needs beside the libraries of both programs."""

from __future__ import annotations

from shared.extras import Extra

EXTRA = Extra(name="opendcim", modules=("PIL", "jinja2", "pymysql", "python_multipart"))
"""The extra ``opendcim`` in ``pyproject.toml``."""
