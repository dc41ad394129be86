"""Rarely changing facts are cached, and reread by every process after a transaction changes them."""

import re

import pytest
from sqlalchemy import event

from schemas.partner import FocalFunction, Partner, PartnerKind
from server.release.facts import HubFacts
from server.release.hub import Hub
from server.store import (
    Store,
    collections,
    focal_points,
    hub_identity,
    log,
    partners,
    quotas,
    reputation,
    reviews,
    value_index,
)
from server.store.database import fact_versions
from server.store.item import Item
from server.store.reputation import JudgedReport

BANK = Partner(
    name="Bank", kind=PartnerKind.BANK, country="TH", identity="identity--5c0a4e3e-0f5b-4a3e-9d0e-7f5d6a1c2b3d"
)
OTHER = Partner(name="Other", kind=PartnerKind.NGO, identity="identity--6c0a4e3e-0f5b-4a3e-9d0e-7f5d6a1c2b3d")
NAMES = [name for name, found in vars(HubFacts).items() if isinstance(found, property)]


@pytest.fixture
def hub(store: Store) -> Hub:
    with store.begin() as tx:
        collections.create_defaults(tx)
        partners.add(tx, BANK)
    return Hub(store)


def _read(hub: Hub) -> dict[str, object]:
    with hub.store.read() as tx:
        facts = hub.facts.at(tx)
        return {name: getattr(facts, name) for name in NAMES}


def test_unchanged_facts_are_not_read_again(hub: Hub) -> None:
    before, again = _read(hub), _read(hub)
    assert all(again[name] is before[name] for name in NAMES)


def test_each_table_that_is_read_has_a_version(hub: Hub) -> None:
    statements: list[str] = []

    def note(*arguments: object) -> None:
        statements.append(str(arguments[2]))

    event.listen(hub.store._engine, "before_cursor_execute", note)
    _read(hub)
    tables = {table for text in statements for table in re.findall(r"(?:FROM|JOIN) (\w+)", text)}
    # Only migrations write to published_ids.
    assert tables - {"fact_versions", "published_ids"} == set(fact_versions._BY_TABLE)


@pytest.mark.parametrize("name", ["registered", "grant", "own", "delisted", "throttled", "judged", "focal", "renamed"])
def test_change_is_visible_to_the_next_transaction(hub: Hub, name: str) -> None:
    before = _read(hub)
    with hub.store.begin() as tx:
        match name:
            case "registered":
                partners.add(tx, OTHER)
            case "grant":
                collections.grant(tx, BANK.name, collections.get(tx, "takedown"), read=True)
            case "own":
                value_index.add_own_values(tx, BANK.name, ["domain:bank.example"])
            case "delisted":
                reviews.delist(tx, ["domain:fine.example"])
            case "throttled":
                quotas.throttle(tx, BANK.name, "unusual-volume", 1)
            case "judged":
                reputation.add(tx, [JudgedReport(BANK.name, "domain", 0.8, True)])
            case "focal":
                focal_points.put(tx, focal_points.HUB, FocalFunction.PROTECTION, "https://hub.example")
            case "renamed":
                hub_identity.rename(tx, "Another name")
    after = _read(hub)
    changed = {
        "registered": "registry",
        "grant": "readable",
        "own": "own_values",
        "delisted": "has_delisted",
        "throttled": "throttles",
        "judged": "calibrations",
        "focal": "hub_item",
        "renamed": "identity",
    }[name]
    assert after[changed] != before[changed]


def test_uncommitted_change_is_visible_only_to_its_transaction(hub: Hub) -> None:
    _read(hub)
    with hub.store.begin() as tx:
        value_index.add_own_values(tx, BANK.name, ["domain:bank.example"])
        assert hub.facts.at(tx).own_values == {"domain:bank.example": BANK.name}
        assert _read(hub)["own_values"] == {}
    assert _read(hub)["own_values"] == {"domain:bank.example": BANK.name}


def test_append_does_not_change_the_registry_version(hub: Hub) -> None:
    before = _read(hub)
    with hub.store.begin() as tx:
        log.append(tx, collections.get(tx, "public"), [Item.of({"type": "url", "id": "url--1", "value": "x"})])
    assert _read(hub)["collections"] is before["collections"]
