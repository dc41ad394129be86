"""Two hubs that pull from each other do not count each other's own reports back."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from feeds.mapping.batches import PeerObjects
from feeds.mapping.options import Options
from mappers import extension, ids
from mappers.indicator import to_stix
from schemas import timestamp
from schemas.partner import Partner, PartnerKind
from schemas.tabular import ReportReader
from server.release.contribute import contribute
from server.release.retract import retract_all
from server.setup import set_up
from server.store import Store, collections, log, partners
from server.store.item import Item
from tests.unit.server.release.hubs import hub_on


def partner(name: str) -> Partner:
    return Partner(name=name, kind=PartnerKind.BANK, identity=ids.identity(name))


class Hub:
    """A hub with its own bank, and another hub as a partner."""

    def __init__(self, path: Path) -> None:
        self.store = Store.open(f"sqlite:///{path}")
        set_up(self.store)
        with self.store.begin() as tx:
            for name in ("Bank", "Peer"):
                partners.add(tx, partner(name))

    def reports(self, value: str = "bad.example.com") -> None:
        now = timestamp.text(timestamp.now())
        objects = to_stix(
            ReportReader({"reporter": "Bank", "reported_at": now, "kind": "domain"}).report({"value": value})
        )
        with self.store.begin() as tx:
            contribute(hub_on(self.store), tx, partner("Bank"), [Item.of(objects[1])])

    def withdraws(self, value: str = "bad.example.com") -> None:
        with self.store.begin() as tx:
            retract_all(hub_on(self.store), tx, [value], partner("Bank"))

    def says(self) -> list[dict[str, Any]]:
        with self.store.read() as tx:
            bodies = log.page(tx, collections.get(tx, "takedown"), log.Query(types=("indicator",))).bodies
        return list(map(msgspec.json.decode, bodies))

    def pulls(self, peer: "Hub") -> None:
        adopted = PeerObjects(Options("Peer")).adopt(peer.says())
        with self.store.begin() as tx:
            contribute(
                hub_on(self.store), tx, partner("Peer"), [Item.of(obj) for objects in adopted.items for obj in objects]
            )
            retract_all(hub_on(self.store), tx, [each.subject for each in adopted.gone], partner("Peer"))

    def lists(self) -> list[int]:
        """Return the number of reporters of each active listing."""
        return [extension.context_of(obj)["reporters"] for obj in self.says() if not obj.get("revoked")]


@pytest.fixture
def hubs(tmp_path: Path) -> Iterator[tuple[Hub, Hub]]:
    one, other = Hub(tmp_path / "one.db"), Hub(tmp_path / "other.db")
    yield one, other
    one.store.close()
    other.store.close()


def go_round(one: Hub, other: Hub) -> None:
    for _ in range(3):
        other.pulls(one)
        one.pulls(other)


def test_returned_report_is_no_second_reporter(hubs: tuple[Hub, Hub]) -> None:
    one, other = hubs
    one.reports()
    go_round(one, other)
    assert (one.lists(), other.lists()) == ([1], [1])


def test_retraction_on_one_hub_delists_on_both(hubs: tuple[Hub, Hub]) -> None:
    one, other = hubs
    one.reports()
    go_round(one, other)
    one.withdraws()
    go_round(one, other)
    assert (one.lists(), other.lists()) == ([], [])


def test_a_listing_of_another_hub_is_second_hand_and_no_second_reporter(hubs: tuple[Hub, Hub]) -> None:
    one, other = hubs
    one.reports()
    go_round(one, other)
    other.reports()
    go_round(one, other)
    assert (one.lists(), other.lists()) == ([1], [1])
