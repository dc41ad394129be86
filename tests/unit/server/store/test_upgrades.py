"""What stores of older versions have is kept as it was, and made safe, when they are brought up to date."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, text

from mappers import ids
from server.store import Store, collections, hub, migrations, partners, personal


@contextmanager
def _connected(url: str) -> Iterator[tuple[Connection, Callable[[str], None]]]:
    """Give a connection to the database, and a way to bring it up to a revision."""
    engine = create_engine(url, execution_options={"isolation_level": "AUTOCOMMIT"} if "sqlite" in url else {})
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    with engine.connect() as connection, connection.begin():
        config.attributes["connection"] = connection
        yield connection, lambda revision: command.upgrade(config, revision)
    engine.dispose()


def _partner(connection: Connection, name: str, number: int) -> None:
    connection.execute(
        text(
            "INSERT INTO partners (name, kind, country, identity, created, trusted, authority, institutions, forwards,"
            ' named, modified, "left") VALUES'
            " (:name, 'bank', NULL, :identity, :number, true, '[]', '[]', false, false, :number, NULL)"
        ),
        {"name": name, "number": number, "identity": ids.identity(name)},
    )


def _room(connection: Connection, number: int, alias: str, title: str, *readers: str) -> None:
    connection.execute(
        text(
            "INSERT INTO collections (number, id, alias, title, description, kind, created, last_added)"
            " VALUES (:number, :alias, :alias, :title, '', 'personal', 1, 0)"
        ),
        {"number": number, "alias": alias, "title": title},
    )
    for reader in readers:
        connection.execute(
            text(
                "INSERT INTO grants (partner, collection, can_read, can_write) VALUES (:reader, :number, true, false)"
            ),
            {"reader": reader, "number": number},
        )


def test_own_collections_go_to_whom_they_were_made_for_and_to_nobody_else(empty_url: str) -> None:
    with _connected(empty_url) as (connection, upgrade):
        upgrade("0007")
        _partner(connection, "First Bank", 1)
        _partner(connection, "first-bank-22ecc58a", 2)
        _room(connection, 7, "for-first-bank-22ecc58a", "For First Bank", "First Bank", "first-bank-22ecc58a")
        _room(connection, 8, "outcomes-first-bank-22ecc58a", "Outcomes of first-bank-22ecc58a", "first-bank-22ecc58a")
    store = Store.open(empty_url)
    store.migrate()
    with store.begin() as tx:
        first, second = personal.find(tx, "First Bank", "for"), personal.find(tx, "first-bank-22ecc58a", "outcomes")
        assert first is not None
        assert second is not None
        assert (first.number, second.number) == (7, 8)
        assert partners.rights(tx, "First Bank") == {first.id: (True, False)}
        assert partners.rights(tx, "first-bank-22ecc58a") == {second.id: (True, False)}
        assert personal.collection(tx, "first-bank-22ecc58a", "for") != first
        assert personal.collection(tx, "First Bank", "for") == first == collections.get(tx, "for-first-bank-22ecc58a")
    store.close()


def test_each_store_has_a_secret_of_its_own(tmp_path: Path) -> None:
    secrets = set()
    for name in ("one", "two"):
        store = Store.open(f"sqlite:///{tmp_path / name}.db")
        store.migrate()
        with store.read() as tx:
            secrets |= {hub.secret(tx, "listings"), hub.secret(tx, "cursors")}
            assert hub.secret(tx, "listings") == hub.secret(tx, "listings")
        store.close()
    assert len(secrets) == 4
    assert {len(secret) for secret in secrets} == {32}
