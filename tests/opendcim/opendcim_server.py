"""Our own repository server as a process, and its commands."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from source_server.__main__ import main as source_server
from tests.support.processes.listening_programs import program


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryServer:
    """``url`` is where it answers."""

    root: Path
    url: str

    def command(self, *words: str) -> str:
        """What ``source-server opendcim`` prints."""
        return _run(self.root, "opendcim", *words)


def _run(root: Path, *words: str) -> str:
    output = io.StringIO()
    config = str(root / "source-server.properties")
    with contextlib.redirect_stdout(output):
        code = source_server([*words, "--config", config])
    assert code == 0, output.getvalue()
    return output.getvalue()


@contextmanager
def a_repository_server(root: Path, port: int) -> Iterator[RepositoryServer]:
    """With an administrator and nothing else."""
    root.mkdir(parents=True)
    lines = [
        "catalogue = none",
        "opendcim-repository = true",
        f"opendcim-repository-address = http://127.0.0.1:{port}",
        f"download-url = http://127.0.0.1:{port}",
        f"server-url = http://127.0.0.1:{port}/openbis",
        f"port = {port}",
    ]
    file = root / "source-server.properties"
    file.touch(mode=0o600)
    file.write_text("\n".join(lines))
    server = ("source_server", "serve", "--config", str(file))
    with program(*server, port=port, log=root / "server.log"):
        yield RepositoryServer(root=root, url=f"http://127.0.0.1:{port}")
