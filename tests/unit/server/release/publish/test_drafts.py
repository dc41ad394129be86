"""A listing built from a template within a contribution equals one built by itself."""

import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import update

from mappers import ids
from mappers.indicator import to_stix
from schemas import kinds, timestamp
from schemas.errors import Rejected
from schemas.partner import Partner, PartnerKind
from schemas.tabular import ReportReader
from server.release.contribute import contribute
from server.release.publish import listings
from server.store import Store, collections, log, partners
from server.store.item import Item
from server.store.objects.query import UNLIMITED, Query
from tests.searches import WHOLE
from tests.times import ago, text_ago, text_ahead
from tests.unit.server.release.hubs import hub_on

NOW = ago(days=8)
BANK = Partner(
    name="Example Bank",
    kind=PartnerKind.BANK,
    country="TH",
    identity=ids.identity("Example Bank"),
    institutions=("KASITHBK", "BUKBGB22"),
)
OTHER = Partner(name="Other", kind=PartnerKind.PLATFORM, country="TH", identity=ids.identity("Other"))
READER = Partner(name="Reader", kind=PartnerKind.GOVERNMENT, country="SG", identity=ids.identity("Reader"))
VARIANTS: list[dict[str, str]] = [
    {},
    {"tlp": "clear", "confidence": "90"},
    {"tlp": "green", "scam_type": "investment", "channel": "web", "countries": "TH;SG", "confidence": "45"},
    {"tlp": "amber", "description": "Seen in a chat", "lang": "en", "reference": "CASE-2026-17"},
    {"tlp": "amber", "description": "พบในแชท", "lang": "th", "first_seen": text_ago(days=62)},
    {"tlp": "green", "action": "warn", "last_seen": text_ago(days=31), "reference": "4539578763621486"},
    {"tlp": "red", "only_partners": "Reader"},
    {"tlp": "green", "only_countries": "SG"},
    {"tlp": "green", "onward": "no"},
    {"tlp": "clear", "sha256": "a" * 64, "valid_until": text_ahead(days=22)},
    {"tlp": "green", "holder_status": "coerced"},
    {"tlp": "green", "holder_status": "deceived"},
    {"tlp": "green", "hold_until": text_ago(days=1), "hold_amount": "1000", "hold_currency": "THB"},
]


def _objects(seed: int, reporter: Partner) -> list[dict[str, Any]]:
    """Return a partner's indicators of values of all kinds, many differing only in the value and its times."""
    chosen = random.Random(seed)  # noqa: S311 - no secret
    found: dict[str, dict[str, Any]] = {}
    few = chosen.sample(VARIANTS, 4)
    for kind in kinds.every().values():
        for example in kind.examples():
            reported = text_ago(days=chosen.randrange(9, 23))
            given = {**chosen.choice(few), "kind": kind.name, "reporter": reporter.name, "reported_at": reported}
            try:
                report = ReportReader(given).report({"value": example.raw, **example.given})
            except Rejected:
                continue
            found.setdefault(":".join(kinds.canonical(report.kind, report.value)), to_stix(report)[1])
    return list(found.values())


@pytest.fixture
def stores(initial_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Store]]:
    """Open two stores of one hub with a frozen clock."""
    monkeypatch.setattr(timestamp, "now", lambda: NOW)
    files = [shutil.copy(initial_store, tmp_path / name) for name in ("one.db", "other.db")]
    made = [Store.open(f"sqlite:///{file}") for file in files]
    for store in made:
        with store.begin() as tx:
            for partner in (BANK, OTHER, READER):
                partners.add(tx, partner)
            for collection in collections.all_collections(tx):
                if collection.kind == "released":
                    collections.grant(tx, READER.name, collection, read=True)
            tx.execute(update(partners.partners).values(created=1, modified=1))
    yield made
    for store in made:
        store.close()


def _pages(store: Store) -> dict[str, list[dict[str, Any]]]:
    """Return the objects of all collections except notes, by alias. Notes are written once per transaction."""
    found: dict[str, list[dict[str, Any]]] = {}
    with store.read() as tx:
        for collection in collections.all_collections(tx):
            objects = map(msgspec.json.decode, log.page(tx, collection, Query(limit=UNLIMITED)).bodies)
            kept = [obj for obj in objects if obj["type"] not in ("note", "identity", "marking-definition")]
            found[collection.alias] = sorted(kept, key=lambda obj: str(obj["id"]))
    return found


@pytest.mark.long_but("0")
@pytest.mark.search
@pytest.mark.parametrize("seed", range(2))
def test_batch_is_published_like_its_objects_one_by_one(
    stores: list[Store], seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The general way, one by one, by a hub without templates or knowledge of similar objects."""
    together, apart = stores
    for number, partner in enumerate((BANK, OTHER)):
        objects = _objects(2 * seed + number, partner)
        items = list(map(Item.of, objects if WHOLE else objects[seed::5]))
        with together.begin() as tx:
            contribute(hub_on(together), tx, partner, items)
        with monkeypatch.context() as general:
            general.setattr(listings, "_is_plain", lambda value: False)
            for item in items:
                with apart.begin() as tx:
                    contribute(hub_on(apart), tx, partner, [item])
    found, expected = _pages(together), _pages(apart)
    assert len(found["takedown"]) > 10
    assert found == expected


def test_first_listing_has_the_same_property_order_as_others(
    stores: list[Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    objects = [obj for obj in _objects(7, BANK) if "sharing" not in str(obj["extensions"])]
    bodies = []
    for store, general in zip(stores, (False, True), strict=True):
        with monkeypatch.context() as patch:
            if general:
                patch.setattr(listings, "_is_plain", lambda value: False)
            with store.begin() as tx:
                contribute(hub_on(store), tx, BANK, list(map(Item.of, objects)))
        with store.read() as tx:
            collection = collections.get(tx, "takedown-full")
            bodies.append(log.page(tx, collection, Query(limit=UNLIMITED)).bodies)
    assert len(bodies[0]) > 10
    assert sorted(bodies[0]) == sorted(bodies[1])
