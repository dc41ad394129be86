"""Clients of Safe Browsing v5 over sockets: an independent one checks URLs and keeps its list by updates."""

import base64
import copy
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mappers import ids
from mappers.indicator import to_stix
from schemas import timestamp
from schemas.partner import Partner, PartnerKind
from schemas.tabular import ReportReader
from server.features.safe_browsing import listed_hashes
from server.release.contribute import contribute
from server.release.fuse.newcomers import NewcomerRule
from server.release.hub import Hub
from server.release.retract import retract
from server.release.route.policy import Policy
from server.store import Store, collections, partners
from server.store.item import Item
from tests.integration import peers
from tests.ports import free_port
from tests.processes import Forked, serve_hub
from tests.safe_browsing_client import LocalList, SafeBrowsingClient, decode_message, full_hash


@dataclass
class ListingHub:
    """Two nodes of a hub, and a partner's token."""

    store: Store
    hub: Hub
    nodes: list[str]
    token: str

    @property
    def client(self) -> SafeBrowsingClient:
        return SafeBrowsingClient(self.nodes[0])

    def block(self, *values: str, kind: str = "domain", tlp: str = "clear") -> None:
        """Report values as two partners, which is enough to block them."""
        for reporter in ("reporter", "police"):
            given = {"reporter": reporter, "kind": kind, "tlp": tlp, "reported_at": timestamp.text(timestamp.now())}
            reader = ReportReader(given)
            items = [Item.of(obj) for value in values for obj in to_stix(reader.report({"value": value}))]
            with self.store.begin() as tx:
                contribute(self.hub, tx, partners.get(tx, reporter), items)

    def retract(self, *values: str) -> None:
        """Retract the reports of values as both partners."""
        with self.store.begin() as tx:
            for reporter in ("reporter", "police"):
                for value in values:
                    assert retract(self.hub, tx, value, partners.get(tx, reporter))


def serve_with_versions_at_once(*given: Any) -> None:
    """Serve a hub that makes a version of a list with each request, instead of each minute."""
    listed_hashes._MINUTE = 1
    serve_hub(*given)


@pytest.fixture(scope="module")
def hub(initial_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ListingHub]:
    folder = tmp_path_factory.mktemp("hub")
    url = f"sqlite:///{shutil.copy(initial_store, folder / 'hub.db')}"
    store = Store.open(url)
    with ExitStack() as stack:
        stack.callback(store.close)
        with store.begin() as tx:
            for name in ("reporter", "police", "bank"):
                made = Partner(
                    name=name, kind=PartnerKind.BANK, country="TH", identity=ids.identity(name), vouched=True
                )
                token = partners.add(tx, made).token
            collections.grant(tx, "bank", collections.get(tx, "takedown"), read=True)
        settings = {"database_url": url, "check_rate_limit": 0}
        nodes = []
        for number in range(2):
            port, log = free_port(), folder / f"hub{number}.log"
            node = Forked(serve_with_versions_at_once, settings, port, 1, 4, log=log)
            nodes.append(stack.enter_context(peers.answering(node, port, log)).rstrip("/"))
        yield ListingHub(store, Hub(store, Policy(newcomers=NewcomerRule(0, 0))), nodes, token)


def test_a_browser_checks_urls_without_naming_them(hub: ListingHub) -> None:
    hub.block("evil.example.com")
    hub.block("https://shop.example.net/pay?to=1", kind="url")
    opened = {
        "https://evil.example.com/": True,
        "http://EVIL.example.com:8080/any/page?with=query#part": True,
        "https://deep.below.evil.example.com/login": True,
        "https://example.com/": False,
        "https://evil.example.com.example.org/": False,
        "https://shop.example.net/pay?to=1": True,
        "http://shop.example.net/x/../pay?to=1#now": True,
        "https://shop.example.net/pay?to=2": False,
        "https://shop.example.net/pay": False,
        "https://shop.example.net/": False,
    }
    assert hub.client.search(*opened) == opened
    hub.retract("evil.example.com")
    assert not any(hub.client.search(*list(opened)[:5]).values())
    assert hub.client.search("https://shop.example.net/pay?to=1") == {"https://shop.example.net/pay?to=1": True}


def test_a_partner_checks_against_what_it_may_read(hub: ListingHub) -> None:
    hub.block("members.example.com", tlp="green")
    asked = "https://members.example.com/"
    assert hub.client.search(asked) == {asked: False}
    assert SafeBrowsingClient(hub.nodes[0], hub.token).search(asked) == {asked: True}


def test_updates_from_each_of_ten_versions_equal_the_whole_list(hub: ListingHub) -> None:
    hub.block(*(f"first{number}.example.com" for number in range(60)))
    held, at = [], hub.client.update(LocalList())
    for number in range(10):
        held.append(copy.deepcopy(at))
        hub.retract(*(f"first{5 * number + each}.example.com" for each in range(3)))
        hub.block(*(f"later{number}-{each}.example.com" for each in range(4)))
        hub.client.update(at)
        assert at.was_partial
        assert at.version != held[-1].version
    whole = hub.client.update(LocalList())
    assert not whole.was_partial
    assert {int.from_bytes(full_hash(f"later9-{each}.example.com/")[:4]) for each in range(4)} <= {*whole.prefixes}
    assert int.from_bytes(full_hash("first45.example.com/")[:4]) not in whole.prefixes
    for local in held:
        hub.client.update(local)
        assert local.was_partial
        assert (local.prefixes, local.version) == (whole.prefixes, whole.version)
        assert local.wait == 60


def test_nodes_agree_on_versions(hub: ListingHub) -> None:
    hub.block("nodes.example.com")
    first, other = (SafeBrowsingClient(node) for node in hub.nodes)
    local = first.update(LocalList())
    assert other.update(copy.deepcopy(local)) == local.__class__(local.prefixes, local.version, 60, was_partial=True)
    hub.block("more.example.com")
    other.update(local)
    assert local.was_partial
    assert local.prefixes == first.update(LocalList()).prefixes


def test_firefox_asks_for_all_of_its_lists_at_once(hub: ListingHub) -> None:
    hub.block("firefox.example.com")
    names = ["mw-4b", "se-4b", "uws-4b", "uwsa-4b", "pha-4b"]
    pairs = [("key", "a key"), *(("names", name) for name in names)]
    response = hub.client.get("/v5/hashLists:batchGet", *pairs)
    assert response.headers["Content-Type"] == "application/x-protobuf"
    lists = decode_message(response.content)[1]
    assert [decode_message(one)[1][0].decode() for one in lists] == names
    local = [LocalList() for _ in names]
    for one, message in zip(local, lists, strict=True):
        one.apply(message)
    assert [bool(one.prefixes) for one in local] == [False, True, False, False, False]
    held = [("version", base64.b64encode(one.version).decode()) for one in local]
    for one, message in zip(
        local, decode_message(hub.client.get("/v5/hashLists:batchGet", *pairs, *held).content)[1], strict=True
    ):
        one.apply(message)
        assert one.was_partial


def test_small_clients_get_parts_of_the_list(hub: ListingHub) -> None:
    hub.block(*(f"part{number}.example.com" for number in range(20)))
    whole = hub.client.update(LocalList())
    part = hub.client.update(LocalList(), "public-4b", ("sizeConstraints.maxDatabaseEntries", "8"))
    assert part.prefixes == whole.prefixes[:8]
    hub.client.update(part, "public-4b", ("sizeConstraints.maxDatabaseEntries", "16"))
    assert (part.prefixes, part.was_partial) == (whole.prefixes[:16], True)
