"""The libraries that only openDCIM needs."""

from __future__ import annotations

from shared.extras import Extra

# The extra ``opendcim`` in ``pyproject.toml``.
EXTRA = Extra(name="opendcim", modules=("PIL", "jinja2", "pymysql", "python_multipart"))
