"""A store whose log had a row for each object in each variant is upgraded, and reads as before."""

import random
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

from server.store import Store, collections, inbox, listings, log, migrations, value_index
from server.store.collections import Collection
from server.store.item import Item
from server.store.objects.query import EVERY, Query, Versions

BEFORE = "0020"
PRIVATE, EXCHANGE, OUTCOMES = 90, 91, 92
KINDS = ("indicator", "relationship", "domain-name", "sighting", "language-content", "x-device", "note")
BEGIN = 1_700_000_000_000_000


def _uuid(dice: random.Random) -> str:
    return str(uuid.UUID(int=dice.getrandbits(128), version=4))


def _rows(dice: random.Random, number: int, kind: str) -> list[dict[str, Any]]:
    """Make the rows of one collection, as they were stored: each id in up to three versions, some in STIX 2.0 too."""
    rows: list[dict[str, Any]] = []
    at = BEGIN + number
    for _ in range(25):
        type_ = dice.choice(KINDS)
        id_ = f"{type_}--{_uuid(dice)}"
        if dice.random() < 0.1:
            id_ = dice.choice([id_.upper(), f"{type_}--{dice.randrange(99)}", f"other--{_uuid(dice)}"])
        spaces = (dice.choice(["1/", "2/"]),) if kind == "inbox" else ("",)
        versions = [None] if type_ == "domain-name" else [BEGIN + 1_000 * n for n in range(dice.randrange(1, 4))]
        specs = ["2.1"] if dice.random() < 0.8 or versions == [None] else ["2.0", "2.1"]
        of_id = []
        for spec, version, space in (
            (spec, version, space) for spec in specs for version in versions for space in spaces
        ):
            at += dice.choice([1, 1, 7, 1_000])
            body = orjson.dumps(
                {"type": type_, "id": id_, "version": version, "spec": spec, "text": "ข้อความ" * dice.randrange(9)}
            )
            of_id.append(
                {
                    **{"collection": number, "date_added": at, "id": space + id_, "type": type_, "spec_version": spec},
                    **{"version": version, "revoked": dice.random() < 0.2, "body": body},
                    **{"latest": False, "legacy": spec == "2.0" and "2.1" in specs},
                }
            )
        of_id[-1]["latest"] = True
        rows += of_id
    return rows


def _reads(rows: list[dict[str, Any]], query: Query) -> list[tuple[int, str, int, str, bytes]]:
    """Answer a query by looking at everything."""
    wanted = []
    for row in rows:
        fits = row["latest"] if query.versions != EVERY else not row["legacy"]
        if (query.ids and row["id"] not in query.ids) or (query.types and row["type"] not in query.types):
            continue
        if fits and row["date_added"] > query.after:
            stamp = row["version"] if row["version"] is not None else row["date_added"]
            wanted.append((row["date_added"], row["id"], stamp, row["spec_version"], row["body"]))
    return sorted(wanted)


@pytest.fixture
def old(empty_url: str) -> Iterator[tuple[Store, dict[int, list[dict[str, Any]]], dict[str, Any]]]:
    """Return an upgraded store, the rows of each collection as they were, and what else was there."""
    dice = random.Random(5)  # noqa: S311  # no secret
    engine = create_engine(
        empty_url, execution_options={"isolation_level": "AUTOCOMMIT"} if empty_url.startswith("sqlite") else {}
    )
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    with engine.connect() as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, BEFORE)
        names = [("inbox", "inbox"), ("takedown", "released"), ("takedown-full", "released"), ("odd-full", "released")]
        numbered = [(number, *name) for number, name in enumerate(names, 1)]
        numbered += [
            (PRIVATE, "for-bank", "private"),
            (OUTCOMES, "outcomes-bank", "private"),
            (EXCHANGE, "ex", "exchange"),
        ]
        everything: dict[int, list[dict[str, Any]]] = {}
        for number, alias, kind in numbered:
            rows = everything[number] = _rows(dice, number, kind)
            if alias == "takedown-full":
                # What the plain variant has is here too, at other places; of one object the last version is missing.
                for row in everything[number - 1][:-1]:
                    rows.append({**row, "collection": number, "date_added": rows[-1]["date_added"] + 3})
            connection.execute(
                text(
                    "INSERT INTO collections (number, id, alias, title, description, kind, created, last_added, owner,"
                    " use) VALUES (:number, :id, :alias, :alias, '', :kind, 1, :last, :owner, :use)"
                ),
                {
                    **{"number": number, "id": str(uuid.UUID(int=number)), "alias": alias, "kind": kind},
                    "last": max(row["date_added"] for row in rows),
                    "owner": "Bank" if kind == "private" else None,
                    "use": alias.partition("-")[0] if kind == "private" else None,
                },
            )
            connection.execute(
                text(
                    "INSERT INTO objects"
                    " (collection, date_added, id, type, spec_version, version, revoked, latest, legacy, body)"
                    " VALUES (:collection, :date_added, :id, :type, :spec_version, :version, :revoked, :latest,"
                    " :legacy, :body)"
                ),
                rows,
            )
        more = _more(everything, dice)
        for table, columns in (("value_index", "subject, inbox_key"), ("listings", "subject, track, number, id")):
            places = ", ".join(f":{name.strip()}" for name in columns.split(","))
            connection.execute(text(f"INSERT INTO {table} ({columns}) VALUES ({places})"), more[table])  # noqa: S608  # names of ours
    engine.dispose()
    store = Store.open(empty_url)
    store.migrate()
    yield store, everything, more
    store.close()


def _more(everything: dict[int, list[dict[str, Any]]], dice: random.Random) -> dict[str, Any]:
    """Make the value index and the listings of the indicators that are there."""
    keys = sorted({row["id"] for row in everything[1] if row["type"] == "indicator" and "indicator--" in row["id"]})
    mentions = {(f"domain:d{dice.randrange(3)}.example", key) for key in keys}
    mentions |= {("url:https://a.example/b", keys[0]), (keys[0], "1/sighting--x"), ("indicator--y", "2/opinion--z")}
    listed = {
        number: sorted(
            {row["id"] for row in everything[number] if row["type"] == "indicator" and "indicator--" in row["id"]}
        )
        for number in (2, PRIVATE)
    }
    rows = [
        {"subject": "domain:d1.example", "track": track, "number": place, "id": id_}
        for number, track in ((2, ""), (PRIVATE, "Bank"))
        for place, id_ in enumerate(
            sorted(
                listed[number], key=lambda id_: min(row["date_added"] for row in everything[number] if row["id"] == id_)
            )
        )
    ]
    return {"value_index": [{"subject": a, "inbox_key": b} for a, b in sorted(mentions)], "listings": rows}


def _variants(store: Store) -> dict[int, Collection]:
    with store.read() as tx:
        return {collection.number: collection for collection in collections.all_collections(tx)}


def test_each_page_of_each_collection_is_the_same(old: Any) -> None:
    store, everything, _ = old
    for number, collection in _variants(store).items():
        rows = everything[number]
        ids = tuple(sorted({row["id"] for row in rows}))
        queries = [
            *(Query(), Query(versions=EVERY), Query(ids=ids), Query(ids=ids[:5], versions=EVERY)),
            *(Query(types=(type_,)) for type_ in (*KINDS, "note-x")),
            Query(types=("x-device", "indicator", "domain-name"), versions=EVERY),
            *(Query(after=row["date_added"], limit=7) for row in rows[::9]),
        ]
        with store.read() as tx:
            for query in queries:
                expected = _reads(rows, query)
                page, manifest = log.page(tx, collection, query), log.manifest(tx, collection, query)
                some = expected[: query.limit]
                assert page.bodies == [row[4] for row in some]
                records = [(each.date_added, each.id, each.version, each.spec_version) for each in manifest.records]
                assert records == [row[:4] for row in some]
                assert page.next == (some[-1][0] if len(expected) > query.limit else None)
            assert log.count(tx, collection) == len(_reads(rows, Query()))
            assert log.last_added(tx, collection) == max(row["date_added"] for row in rows)
            assert log.newest(tx, collection) == _reads(rows, Query())[-1][0]
            for id_ in ids:
                latest = [row for row in rows if row["id"] == id_ and row["latest"]]
                found = log.latest(tx, collection, [id_])[id_]
                assert found == Item(*(latest[0][name] for name in Item._fields[:6]))
                versions = log.versions(tx, collection, id_, Query(spec_versions=("2.0", "2.1")))
                assert [at for _, at in versions.versions] == [row["date_added"] for row in rows if row["id"] == id_]


def test_the_value_index_and_the_listings_are_the_same(old: Any) -> None:
    store, everything, more = old
    expected: dict[str, set[str]] = {}
    for row in more["value_index"]:
        expected.setdefault(row["subject"], set()).add(row["inbox_key"])
    tracks: dict[str, list[str]] = {}
    for row in more["listings"]:
        tracks.setdefault(row["track"], []).append(row["id"])
    with store.read() as tx:
        assert value_index.find(tx, expected) == expected
        assert listings.find(tx, ["domain:d1.example", "domain:d2.example"]) == {"domain:d1.example": tracks}
        all_ids = listings.all_of(tracks)
        assert listings.subjects(tx, [*all_ids, "indicator--no"]) == dict.fromkeys(all_ids, "domain:d1.example")
        assert set(value_index.values_after(tx, -1, 99).values()) == {
            "domain:d1.example",
            *(name for name in expected if ":" in name),
        }
        of_bank = {row["id"] for row in everything[PRIVATE]}
        assert log.private_collections_of(tx, of_bank) == {id_: {PRIVATE} for id_ in of_bank}


def test_the_order_goes_on_after_both_variants(old: Any) -> None:
    store, everything, _ = old
    variants = _variants(store)
    plain, full, odd = variants[2], variants[3], variants[4]
    assert (full.log, full.part, odd.log, odd.part) == (plain.number, 2, odd.number, 1)
    known = next(
        row for row in everything[3] if row["latest"] and row["type"] == "indicator" and row["collection"] == 3
    )
    body = orjson.dumps({"new": True})
    newer = Item(known["id"], "indicator", "2.1", BEGIN + 10**9, False, body)
    with store.begin() as tx:
        in_plain, in_full = log.append_all(tx, [(plain, [newer]), (full, [newer])])
        assert in_plain.first == in_full.first
        assert in_full.first is not None
        assert in_full.first > max(row["date_added"] for number in (2, 3) for row in everything[number])
        for collection in (plain, full):
            assert log.page(tx, collection, Query(ids=(newer.id,))).bodies == [body]
            assert log.page(tx, collection, Query(versions=Versions(last=True))).bodies[-1] == body
        again = log.append_all(tx, [(plain, [newer]), (full, [newer])])
        assert [result.unchanged for result in again] == [[newer.id], [newer.id]]
        report = inbox.key(1, newer.id)
        inbox.append(tx, variants[1], [(report, newer._replace(subject="domain:d1.example"))])
        assert report in value_index.find(tx, ["domain:d1.example"])["domain:d1.example"]
