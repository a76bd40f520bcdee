"""What a page of HTML calls itself: web servers and proxies answer with one where they cannot
answer otherwise."""

from __future__ import annotations

from html import unescape

_OPENING, _END = "<title", "</title"
_LONGEST = 300
"""Characters; a reference to a character may be as long as it likes, so the text is cut first."""


def title_of(page: str) -> str | None:
    """The title, in one line; None if there is none. In a time that grows with the page only."""
    lowered = page.lower()
    if len(lowered) != len(page):  # a few letters become two
        page = lowered
    opening = lowered.find(_OPENING)
    start = lowered.find(">", opening) if opening >= 0 else -1
    end = lowered.find(_END, start) if start >= 0 else -1
    if end < 0:
        return None
    return " ".join(unescape(page[start + 1 : end][:_LONGEST]).split())
