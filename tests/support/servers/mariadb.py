"""A real MariaDB for tests: a server of our own in a temporary folder, with a database for each."""

from __future__ import annotations

import itertools
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pymysql

_PATIENCE = 60.0
_NEEDED = ("mariadbd", "mariadb-install-db")


def is_installed() -> bool:
    return all(_program(name) for name in _NEEDED)


def _program(name: str) -> str | None:
    return shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")


class MariaDb:
    """Listens on the loopback only; its root has no password."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="mariadb-"))  # a socket's path must be short
        self._numbers = itertools.count()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port: int = listener.getsockname()[1]
        common = ["--no-defaults", f"--datadir={self._folder}/data", "--user=root"]
        subprocess.run(
            [
                str(_program("mariadb-install-db")),
                *common,
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
            ],
            check=True,
            capture_output=True,
        )
        self._server = subprocess.Popen(
            [
                str(_program("mariadbd")),
                *common,
                f"--socket={self._folder}/s",
                f"--port={self.port}",
                "--bind-address=127.0.0.1",
                "--innodb-buffer-pool-size=32M",
                "--innodb-flush-log-at-trx-commit=2",
                "--skip-name-resolve",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                self._connect().close()
            except pymysql.Error:
                if self._server.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
            else:
                return

    def _connect(self) -> pymysql.Connection[pymysql.cursors.Cursor]:
        return pymysql.connect(host="127.0.0.1", port=self.port, user="root")

    @contextmanager
    def fresh(self) -> Iterator[str]:
        """The URL of an empty database."""
        name = f"dcim{next(self._numbers)}"
        self._execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        yield f"mysql+pymysql://root@127.0.0.1:{self.port}/{name}"
        self._execute(f"DROP DATABASE {name}")

    def _execute(self, statement: str) -> None:
        with self._connect() as connection, connection.cursor() as cursor:
            cursor.execute(statement)

    def stop(self) -> None:
        self._server.terminate()
        self._server.wait(_PATIENCE)
        shutil.rmtree(self._folder, ignore_errors=True)
