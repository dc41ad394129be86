"""A migrated store with the default collections, two partners, and reports as items."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mappers import ids
from mappers.indicator import to_stix
from schemas.partner import Partner, PartnerKind
from schemas.reading import Reader
from server.release.contribute import Outcome, contribute
from server.setup import set_up
from server.store import Store, collections, log, partners
from server.store.item import Item

REPORTED = "2026-10-01T08:00:00.000Z"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(f"sqlite:///{tmp_path / 'hub.db'}")
    set_up(store)
    yield store
    store.close()


def partner_called(store: Store, name: str) -> Partner:
    partner = Partner(name=name, kind=PartnerKind.BANK, country="TH", identity=ids.identity(name))
    with store.begin() as tx:
        partners.add(tx, partner)
    return partner


@pytest.fixture
def bank(store: Store) -> Partner:
    return partner_called(store, "Example Bank")


@pytest.fixture
def other(store: Store) -> Partner:
    return partner_called(store, "Other Bank")


@pytest.fixture
def stix() -> Callable[..., list[dict[str, Any]]]:
    """Make the STIX objects of one report by Example Bank."""

    def make(value: str = "bad.example.com", kind: str = "domain", **columns: str) -> list[dict[str, Any]]:
        defaults = {"reporter": "Example Bank", "reported_at": REPORTED, "kind": kind, "tlp": "green", **columns}
        return to_stix(Reader(defaults).report({"value": value}))

    return make


@pytest.fixture
def post(store: Store, bank: Partner) -> Callable[..., Outcome]:
    """Contribute objects in one transaction, as Example Bank where no other partner is named."""

    def send(*objects: dict[str, Any], by: Partner = bank) -> Outcome:
        with store.begin() as tx:
            return contribute(tx, by, [Item.of(obj) for obj in objects])

    return send


@pytest.fixture
def held_by(store: Store) -> Callable[[str], dict[str, dict[str, Any]]]:
    """Read the latest versions of all objects of a collection, by id."""

    def read(alias: str) -> dict[str, dict[str, Any]]:
        with store.read() as tx:
            page = log.page(tx, collections.get(tx, alias), log.Query())
        return {obj["id"]: obj for obj in map(msgspec.json.decode, page.bodies)}

    return read
