"""A convertor of routes for paths with any character."""

from __future__ import annotations

from starlette.convertors import PathConvertor, register_url_convertor


class EveryName(PathConvertor):
    """Accepts line breaks, too: names of files may contain them."""

    regex = "(?s:.*)"


EVERY_NAME = "every_name"
register_url_convertor(EVERY_NAME, EveryName())
