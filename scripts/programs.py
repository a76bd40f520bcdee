"""Our programs as an operator starts them: processes of their own, each command printed before."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_BIN = Path(sys.executable).parent
# Seconds in which a server must answer.
_PATIENCE = 30.0


def say(text: str) -> None:
    """A heading."""
    _print(f"\n=== {text}")


def run(*command: str) -> None:
    """Ends the demo if the command fails."""
    _done(command, None)


def printed_by(*command: str) -> str:
    """What a command prints, which is shown, too; as `run`."""
    output = _done(command, subprocess.PIPE).stdout
    _print(output.rstrip())
    return output


def _done(command: tuple[str, ...], stdout: int | None) -> subprocess.CompletedProcess[str]:
    _print(f"$ {' '.join(command)}")
    arguments = [str(_BIN / command[0]), *command[1:]]
    done = subprocess.run(arguments, check=False, stdout=stdout, text=True)  # noqa: S603
    if done.returncode != 0:
        _print(done.stdout or "")
        sys.exit(f"{' '.join(command[:3])} ended with {done.returncode}; the demo stops here")
    return done


@contextmanager
def served(config: tuple[str, ...], port: int, log: Path) -> Iterator[None]:
    """A source server, until the end of the block."""
    command = [str(_BIN / "source-server"), "serve", *config]
    _print(f"$ source-server serve {' '.join(config)} 2> {log}")
    with log.open("wb") as file:
        server = subprocess.Popen(command, stderr=file)  # noqa: S603
        try:
            _wait_for(server, port, log)
            yield
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(_PATIENCE)


def _wait_for(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    sys.exit(f"the source server did not start; see {log}")


def free_port() -> int:
    """One that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def write(path: Path, text: str) -> None:
    """For its owner only: passwords and keys are in it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
