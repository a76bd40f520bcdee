"""Sizes for people."""

from __future__ import annotations

_UNITS = ("B", "KB", "MB", "GB", "TB", "PB")
_STEP = 1024


def shown_size(count: float) -> str:
    """``85.3 MB``; units are powers of 1024, as in the settings. At most nine letters."""
    for unit in _UNITS:
        if count < _STEP - 0.05 or unit == _UNITS[-1]:  # 1023.96 would be shown as 1024.0
            break
        count /= _STEP
    return f"{count:.0f} {unit}" if unit == _UNITS[0] else f"{count:.1f} {unit}"
