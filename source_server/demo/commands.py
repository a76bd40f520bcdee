"""Makes the demo instance, and changes it as in the course of a day."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine, text

from shared.passwords import hash_password
from shared.store.engine import data_store_uuid, work
from shared.store.files import DataStore
from shared.store.load import Loaded, load
from shared.store.tables import LOCAL
from shared.store.users import Role, add_persons, grant, set_password
from source_server.demo.instance import GONE, changed_values, demo_values

DEMO_USER = "harvest"
DEMO_PASSWORD = "demo"  # noqa: S105 - printed for everybody who tries the demo


def make_demo(engine: Engine, store_root: Path, service_root: Path) -> Loaded:
    """Fill an empty instance, and let the demo's user read all of it."""
    with engine.connect() as connection, work(connection) as transaction, transaction():
        store = _store(data_store_uuid(connection), store_root, service_root)
        loaded = load(connection, store, demo_values(store))
        add_persons(connection, LOCAL, [DEMO_USER])
        set_password(connection, DEMO_USER, hash_password(DEMO_PASSWORD))
        grant(connection, DEMO_USER, Role.OBSERVER)
    return loaded


def let_a_day_pass(engine: Engine, store_root: Path, service_root: Path) -> Loaded:
    """Change, add and delete some entities, so that the next harvest has something to do."""
    with engine.connect() as connection, work(connection) as transaction, transaction():
        store = _store(data_store_uuid(connection), store_root, service_root)
        loaded = load(connection, store, changed_values(store))
        for table, key in (("link", "to_perm_id"), ("link", "from_perm_id"), ("entity", "perm_id")):
            statement = text(f"DELETE FROM {table} WHERE {key} = :gone")  # noqa: S608 - our names
            connection.execute(statement, {"gone": GONE})
    return loaded


def _store(uuid: str, root: Path, service_root: Path) -> DataStore:
    return DataStore(root=root, uuid=uuid, service_root=service_root, temporary=root / "temp")
