"""Reports the daemon's state to systemd, if systemd started it with ``Type=notify``.

The protocol is a datagram to a socket whose name is in the environment; see sd_notify(3).
"""

from __future__ import annotations

import logging
import os
import socket

READY = "READY=1"
STOPPING = "STOPPING=1"

logger = logging.getLogger(__name__)


def notify(*assignments: str) -> None:
    """Does nothing without a socket. If systemd cannot be reached, the harvest goes on."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):  # an abstract name
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
            channel.sendto("\n".join(assignments).encode(), address)
    except OSError as error:
        logger.warning("systemd cannot be notified of %s: %s", assignments[0], error)


def status(text: str) -> str:
    """The message for the line that ``systemctl status`` shows."""
    return "STATUS=" + " ".join(text.split())
