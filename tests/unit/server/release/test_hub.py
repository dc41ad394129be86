"""Two hubs in one process release by their own rules and lists, independently of each other."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mappers import ids
from mappers.indicator import to_stix
from schemas.partner import Partner, PartnerKind
from schemas.tabular import ReportReader
from server.release.contribute import contribute
from server.release.guard.allowlists.lookup import Allowlists
from server.release.hub import Hub
from server.release.results import Results
from server.release.route.policy import Policy, PolicyRule
from server.setup import set_up
from server.store import Store, collections, log, partners
from server.store.item import Item
from tests.times import text_ago

BANK = Partner(name="Example Bank", kind=PartnerKind.BANK, country="TH", identity=ids.identity("Example Bank"))
WALLETS_ALONE = Policy([PolicyRule(collection="wallets", kinds=("wallet",))])


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[list[Store]]:
    made = [Store.open(f"sqlite:///{tmp_path / name}") for name in ("first.db", "second.db")]
    for store in made:
        set_up(store)
        with store.begin() as tx:
            partners.add(tx, BANK)
    yield made
    for store in made:
        store.close()


def report(hub: Hub, value: str) -> Results:
    reader = ReportReader({"reporter": BANK.name, "reported_at": text_ago(days=62), "tlp": "green"})
    items = [Item.of(obj) for obj in to_stix(reader.report({"value": value}))]
    with hub.store.begin() as tx:
        return contribute(hub, tx, BANK, items)


def listed(hub: Hub, alias: str) -> int:
    with hub.store.read() as tx:
        page = log.page(tx, collections.get(tx, alias), log.Query(types=("indicator",)))
    return len(page.bodies)


def test_each_hub_releases_by_its_own_policy(stores: list[Store]) -> None:
    usual, narrow = Hub(stores[0]), Hub(stores[1], WALLETS_ALONE)
    results = [report(hub, "bad.example.com") for hub in (usual, narrow, usual)]
    assert [len(found.kept) for found in results] == [0, 1, 0]
    assert (listed(usual, "takedown"), listed(narrow, "takedown")) == (1, 0)


def test_each_hub_checks_its_own_allowlists(stores: list[Store]) -> None:
    lenient = Hub(stores[0])
    strict = Hub(stores[1], allowlists=Allowlists(documentation_values=True))
    results = [report(hub, "bad.example.com") for hub in (strict, lenient, strict)]
    assert [len(found.held) for found in results] == [1, 0, 1]
    assert (listed(lenient, "takedown"), listed(strict, "takedown")) == (1, 0)
