"""The pages of other hubs in a real browser: states, common members, a trial of another way to count, and leftovers."""

from collections.abc import Iterator

import pytest

from mappers import consensus, ids
from mappers.indicator import to_stix
from schemas import timestamp
from schemas.partner import Partner, PartnerKind
from schemas.tabular import ReportReader
from server.features.federation import heads, receiving
from server.features.federation.members import overlaps
from server.features.federation.members.comparing import CommonMember
from server.features.federation.members.registers import RegisteredMember
from server.release.contribute import contribute
from server.release.hub import Hub
from server.setup import set_up
from server.store import Store, collections, partners
from server.store.item import Item
from server.store.operators.users import OperatorRole
from tests.browser.hub import BrowsedHub, start_session
from tests.browser.screens import Screen
from tests.integration.peers import scamfeed
from tests.other_hub import OtherHub

KH, VN = OtherHub("Hub Cambodia"), OtherHub("Hub Vietnam", "VN")
SCAM, LEFT = "bad-one-shop.example.com", "left-over-shop.example.com"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowsedHub]:
    folder = tmp_path_factory.mktemp("peers")
    store = Store.open(f"sqlite:///{folder / 'hub.db'}")
    set_up(store, "Hub of the Tests")
    _fill(Hub(store, peers=(KH.peer(count="as-own"), VN.peer())))
    with scamfeed(store.url, folder / "hub.log", peer=[KH.table(count="as-own"), VN.table()]) as address:
        yield BrowsedHub(address.rstrip("/"), store)
    store.close()


def _fill(hub: Hub) -> None:
    bank, old = (
        Partner(name=name, kind=PartnerKind.BANK, identity=ids.identity(name), vouched=True)
        for name in ("First Bank", "Old hub")
    )
    altered = KH.report("altered-shop.example.com").replace(b"altered-shop", b"changed-shop")
    given = {"reporter": old.name, "kind": "domain", "tlp": "green", "reported_at": timestamp.text(timestamp.now())}
    copied = [consensus.as_second_hand(obj) for obj in to_stix(ReportReader(given).report({"value": LEFT}))]
    member = RegisteredMember(bank.counts_as, (bank.name,), frozenset({"GB:00000006"}), None)
    with hub.store.begin() as tx:
        collections.hub_reports(tx)
        for partner in (bank, old):
            partners.add(tx, partner)
        receiving.accept(hub, tx, hub.peers[0], [KH.report(SCAM, 2)])
    with hub.store.begin() as tx:
        receiving.accept(hub, tx, hub.peers[1], [altered])
        heads.take_heads(hub, tx, hub.peers[0], [KH.head()])
        overlaps.store(tx, KH.key.name, "here", [CommonMember(member, ("GB:00000006",), is_linked=False)])
    with hub.store.begin() as tx:
        contribute(hub, tx, old, [Item.of(obj) for obj in copied])


def test_peers_with_overlap_trial_and_leftovers(screen_of_each: Screen, hub: BrowsedHub) -> None:
    start_session(screen_of_each, hub, OperatorRole.ANALYST)
    page = screen_of_each.open("/console/peers")
    page.locator("a[href$=leftovers]").click()
    page.get_by_text(LEFT).wait_for()
    screen_of_each.check()
    screen_of_each.picture("/console/peers-leftovers")
    page = screen_of_each.open("/console/peers/Hub%20Cambodia")
    assert page.get_by_text("First Bank").count() > 0
    page.locator("a[href*='trial?count=not']").click()
    page.locator("details", has_text=SCAM).locator("summary").click()
    page.get_by_text(SCAM).first.wait_for()
    screen_of_each.check()
    screen_of_each.picture("/console/peers-trial")
