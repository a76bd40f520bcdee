"""Parts of routes: a path that may contain every character."""

from __future__ import annotations

from starlette.convertors import PathConvertor, register_url_convertor


class EveryName(PathConvertor):
    """Takes line breaks, too: a name of a file may contain them."""

    regex = "(?s:.*)"


EVERY_NAME = "every_name"
register_url_convertor(EVERY_NAME, EveryName())
