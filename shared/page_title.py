"""The title of a page in HTML: web servers and proxies send one instead of an answer."""

from __future__ import annotations

from html import unescape

_OPENING, _END = "<title", "</title"
# Characters; a character reference may have any length, so the text is cut before it is decoded.
_LONGEST = 300


def title_of(page: str) -> str | None:
    """The title in one line; None if there is none. Takes time linear in the page."""
    lowered = page.lower()
    if len(lowered) != len(page):  # a few letters become two
        page = lowered
    opening = lowered.find(_OPENING)
    start = lowered.find(">", opening) if opening >= 0 else -1
    end = lowered.find(_END, start) if start >= 0 else -1
    if end < 0:
        return None
    return " ".join(unescape(page[start + 1 : end][:_LONGEST]).split())
