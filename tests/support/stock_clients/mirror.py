"""A source server at the addresses that its lists name, and ``resync``, the reference client."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from source_server.catalogues.embedded import EmbeddedCatalogue, StoreUsers
from source_server.settings import SourceSettings
from source_server.users.sign_in import DirectoryAuthenticator
from source_server.users.tokens_file import TokensFile
from tests.support.instances.instance import USER, Instance, reachable

FILES = "/resourcesync/files"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirror:
    """A client with a token, and its folder."""

    url: str
    token: str
    folder: Path

    @property
    def files(self) -> Path:
        return self.folder / "files"

    @property
    def prefix(self) -> str:
        return f"{self.url}{FILES}"

    def resync(self, *arguments: str, token: bool = True) -> str:
        """What ``resync-sync`` says. Its exit code says nothing."""
        self.folder.mkdir(parents=True, exist_ok=True)
        signed = ["--access-token", self.token] if token else []
        program = str(Path(sys.executable).with_name("resync-sync"))
        done = subprocess.run(
            [program, *signed, *arguments],
            # It keeps a file of states in the current folder.
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        return done.stdout + done.stderr

    def baseline(self, *arguments: str) -> str:
        return self.resync("--baseline", *arguments, self.prefix, str(self.files))

    def audit(self, *arguments: str) -> str:
        return self.resync("--audit", *arguments, self.prefix, str(self.files))

    def tree(self) -> dict[str, bytes]:
        """The contents of all files that were fetched, by their addresses below the prefix."""
        found = (path for path in self.files.rglob("*") if path.is_file())
        return {str(path.relative_to(self.files)): path.read_bytes() for path in found}

    def get(self, path: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx.get(f"{self.url}{path}", headers=headers, timeout=60)


@contextmanager
def mirrored_instance(instance: Instance, folder: Path, user: str = USER) -> Iterator[Mirror]:
    """The server publishes the instance meanwhile; the mirror's token is the user's."""
    store, service = instance.root / "store", instance.root / "file-service"
    settings = SourceSettings(
        base_dir=instance.root,
        storeroot_dir=store,
        file_service_repository_path=service,
        tokens_file=folder / "tokens.json",
    )
    catalogue = EmbeddedCatalogue(instance.engine, store_root=store, service_root=service)
    authenticator = DirectoryAuthenticator([StoreUsers(instance.engine)])
    with reachable(catalogue, authenticator, settings) as url:
        token = TokensFile(settings.tokens_file).add(user)
        yield Mirror(url=url, token=token, folder=folder / "mirror")
