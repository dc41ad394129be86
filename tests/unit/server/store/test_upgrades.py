"""What stores of older versions have is kept as it was, and made safe, when they are brought up to date."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, text

from mappers import ids
from server.store import (
    Store,
    collections,
    hub_identity,
    inbox,
    listings,
    migrations,
    partners,
    private_collections,
    reviews,
    value_index,
)
from server.store.item import Item


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
        first, second = (
            private_collections.find(tx, "First Bank", "for"),
            private_collections.find(tx, "first-bank-22ecc58a", "outcomes"),
        )
        assert first is not None
        assert second is not None
        assert (first.number, second.number) == (7, 8)
        assert collections.rights(tx, "First Bank") == {first.id: (True, False)}
        assert collections.rights(tx, "first-bank-22ecc58a") == {second.id: (True, False)}
        assert private_collections.find_or_add(tx, "first-bank-22ecc58a", "for") != first
        assert (
            private_collections.find_or_add(tx, "First Bank", "for")
            == first
            == collections.get(tx, "for-first-bank-22ecc58a")
        )
    store.close()


def test_each_store_has_a_secret_of_its_own(tmp_path: Path) -> None:
    secrets = set()
    for name in ("one", "two"):
        store = Store.open(f"sqlite:///{tmp_path / name}.db")
        store.migrate()
        with store.read() as tx:
            secrets |= {hub_identity.secret(tx, "listings"), hub_identity.secret(tx, "cursors")}
            assert hub_identity.secret(tx, "listings") == hub_identity.secret(tx, "listings")
        store.close()
    assert len(secrets) == 4
    assert {len(secret) for secret in secrets} == {32}


HUB = "indicator--00000000-0000-5000-8000-00000000000{}"
OWN = "indicator--10000000-0000-5000-8000-00000000000{}"
SIGHTING = "sighting--20000000-0000-5000-8000-000000000001"
FOREIGN = "indicator--30000000-0000-4000-8000-000000000001"
URL = "url--40000000-0000-5000-8000-000000000001"


def _object(connection: Connection, collection: int, at: int, id_: str, creator: str | None = None) -> None:
    type_ = id_.partition("--")[0]
    said = {"type": type_, "id": id_} | ({"created_by_ref": creator} if creator else {})
    connection.execute(
        text(
            "INSERT INTO objects (collection, date_added, id, type, spec_version, version, revoked, latest, legacy,"
            " body) VALUES (:collection, :at, :id, :type, '2.1', :at, false, true, false, :body)"
        ),
        {"collection": collection, "at": at, "id": id_, "type": type_, "body": json.dumps(said).encode()},
    )


def test_what_was_published_keeps_its_id_and_each_contribution_goes_to_whose_it_is(empty_url: str) -> None:
    with _connected(empty_url) as (connection, upgrade):
        upgrade("0007")
        _partner(connection, "bank", 1)
        _partner(connection, "seer", 2)
        _room(connection, 1, "inbox", "Inbox")
        _room(connection, 2, "takedown-full", "Takedown")
        _room(connection, 3, "for-seer", "For seer", "seer")
        connection.execute(text("UPDATE collections SET kind = 'inbox' WHERE number = 1"))
        connection.execute(text("UPDATE collections SET kind = 'released' WHERE number = 2"))
        _object(connection, 1, 1, OWN.format(1), ids.identity("bank"))
        _object(connection, 1, 2, FOREIGN, "identity--somebody-else")
        _object(connection, 1, 3, SIGHTING, ids.identity("seer"))
        _object(connection, 1, 4, URL)
        for at, number in enumerate((2, 1, 3), 1):
            _object(connection, 2, at, HUB.format(number), "identity--hub")
        _object(connection, 2, 9, SIGHTING, ids.identity("seer"))
        _object(connection, 3, 1, HUB.format(4), "identity--hub")
        mentioned = [
            *(("domain:xn--bad.example", each) for each in (OWN.format(1), FOREIGN, *map(HUB.format, range(1, 5)))),
            (HUB.format(3), SIGHTING),
            (OWN.format(1), SIGHTING),
            (f"passed-on:{FOREIGN}", ids.identity("seer")),
        ]
        connection.execute(
            text("INSERT INTO mentions (subject, object_id) VALUES (:subject, :id)"),
            [{"subject": subject, "id": id_} for subject, id_ in mentioned],
        )
        connection.execute(
            text(
                "INSERT INTO reviews (object_id, partner, rule, message, opened, state)"
                " VALUES (:id, 'bank', 'rule', '', 1, 'open')"
            ),
            [{"id": OWN.format(1)}, {"id": HUB.format(3)}],
        )
    store = Store.open(empty_url)
    store.migrate()
    with store.read() as tx:
        bank, seer = (partners.space(tx, name) for name in ("bank", "seer"))
        assert listings.find(tx, ["domain:xn--bad.example"]) == {
            "domain:xn--bad.example": {"": [HUB.format(2), HUB.format(1), HUB.format(3)], "seer": [HUB.format(4)]}
        }
        reports = {inbox.key(bank, OWN.format(1)), inbox.key(seer, FOREIGN)}
        sighting = inbox.key(seer, SIGHTING)
        named = ["domain:xn--bad.example", HUB.format(3), inbox.key(seer, OWN.format(1)), OWN.format(1)]
        assert value_index.find(tx, named) == {named[0]: reports, named[1]: {sighting}, named[2]: {sighting}}
        assert inbox.of_partner(tx, bank, [OWN.format(1)]).keys() == {OWN.format(1)}
        assert inbox.of_partner(tx, seer, [OWN.format(1), FOREIGN]).keys() == {FOREIGN}
        assert listings.older_id_of(tx, sighting) == SIGHTING
        assert {each.object_id for each in reviews.all_reviews(tx)} == {inbox.key(bank, OWN.format(1)), HUB.format(3)}
    store.close()


def test_what_spaces_brought_can_be_taken_back(empty_url: str) -> None:
    store = Store.open(empty_url)
    store.migrate()
    with store.begin() as tx:
        room = collections.add(tx, "inbox", "Inbox", kind="inbox")
        shared = Item.of({"type": "indicator", "id": FOREIGN})
        inbox.append(tx, room, [(inbox.key(space, FOREIGN), shared) for space in (1, 2)])
        value_index.add(tx, [("domain:xn--bad.example", inbox.key(1, FOREIGN))])
        listings.record(tx, [listings.ListingId("domain:xn--bad.example", "", 0, HUB.format(1))])
        reviews.hold(tx, "bank", [reviews.HeldObject(inbox.key(1, FOREIGN), 1, "rule", "")])
    store.close()
    with _connected(empty_url) as (connection, _):
        config = Config()
        config.set_main_option("script_location", str(Path(migrations.__file__).parent))
        config.attributes["connection"] = connection
        command.downgrade(config, "0012")
        assert connection.execute(text("SELECT id FROM objects")).scalars().all() == [FOREIGN]
        found = connection.execute(text("SELECT subject, object_id FROM mentions ORDER BY object_id")).all()
        assert [tuple(row) for row in found] == [
            ("domain:xn--bad.example", HUB.format(1)),
            ("domain:xn--bad.example", FOREIGN),
        ]
        assert connection.execute(text("SELECT object_id FROM reviews")).scalars().all() == [FOREIGN]
