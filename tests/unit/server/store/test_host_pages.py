"""The host of each listed URL, kept correct when values move or are erased."""

import pytest

from mappers.indicator import to_stix
from schemas.tabular import ReportReader
from server.setup import set_up
from server.store import Store, collections, log
from server.store.item import Item
from server.store.objects import host_pages
from tests.times import text_ago

URLS = ("https://www.rogue-pages.com:8443/a?b=c", "http://rogue-pages.com/", "https://[2001:db8::7]/login")


def _listing(kind: str, value: str) -> Item:
    reports = ReportReader({"reporter": "bench", "kind": kind, "tlp": "green", "reported_at": text_ago(days=31)})
    report = reports.report({"value": value})
    _, indicator, _ = to_stix(report)
    return Item.of(indicator)._replace(subject=f"{kind}:{report.value}")


def _pages(store: Store, *hosts: str) -> dict[str, set[str]]:
    with store.read() as tx:
        takedown = collections.get(tx, "takedown")
        found = host_pages.newest(tx, hosts, {takedown.log: takedown.part})
        return {host: {page.url for page in of_host.pages} for host, of_host in found.items()}


@pytest.fixture
def listed(store: Store) -> Store:
    set_up(store)
    with store.begin() as tx:
        items = [*(_listing("url", url) for url in URLS), _listing("domain", "rogue-pages.com")]
        log.append(tx, collections.get(tx, "takedown"), items)
    return store


def test_only_pages_of_the_host_are_found(listed: Store) -> None:
    assert _pages(listed, "rogue-pages.com", "2001:db8::7", "other-pages.com") == {
        "rogue-pages.com": set(URLS[:2]),
        "2001:db8::7": {URLS[2]},
    }
    with listed.read() as tx:
        wallets = collections.get(tx, "wallets")
        assert host_pages.newest(tx, ["rogue-pages.com"], {wallets.log: wallets.part}) == {}
        assert host_pages.newest(tx, ["rogue-pages.com"], {}) == {}


def test_two_hosts_of_one_number_are_distinguished(listed: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    number = host_pages.number_of_host("rogue-pages.com")
    monkeypatch.setattr(host_pages, "number_of_host", lambda _: number)
    assert _pages(listed, "other-pages.com") == {}
