"""An account's page counts as the account under any reported kind; so do the pages of apps and wallets."""

from collections.abc import Callable
from typing import Any

import pytest

from mappers.report_reader import from_stix
from schemas.partner import Partner
from server.release.query.lookup import lookup
from server.release.retract import retract
from server.store import Store, value_index
from tests.times import text_ago
from tests.unit.server.release.hubs import hub_on

Joins = Callable[..., Partner]
Reports = Callable[..., dict[str, Any]]
Held = Callable[[str], dict[str, dict[str, Any]]]

PAGES = [
    ("https://t.me/scam_example", "social-account", "telegram:scam_example"),
    ("http://t.me/Scam_Example/", "social-account", "telegram:scam_example"),
    ("hxxps://t[.]me/scam_example.", "social-account", "telegram:scam_example"),
    ("https://line.me/ti/p/@example", "social-account", "line:@example"),
    ("https://www.facebook.com/pg/exampleshop", "social-account", "facebook:exampleshop"),
    ("https://play.google.com/store/apps/details?id=com.example.scam", "app", "android:com.example.scam"),
    (
        "https://etherscan.io/address/0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "wallet",
        "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
    ),
]
SAID = text_ago(days=62)


def live(room: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [obj for obj in room.values() if obj["type"] == "indicator" and not obj.get("revoked")]


def url_indicator(by: Partner, url: str) -> dict[str, Any]:
    """Return an indicator for a link as other STIX makers write it."""
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": "indicator--7c40fd2a-25f3-4fbb-9c22-6b1bb5d61f4d",
        "created_by_ref": by.identity,
        "created": SAID,
        "modified": SAID,
        "pattern": f"[url:value = '{url}']",
        "pattern_type": "stix",
        "valid_from": SAID,
    }


@pytest.mark.parametrize(("url", "kind", "value"), PAGES)
def test_page_and_its_account_are_one_listing(
    url: str, kind: str, value: str, joins: Joins, reports: Reports, held_by: Held
) -> None:
    alias = "wallets" if kind == "wallet" else "takedown"
    one, other = joins("First Bank", reads=[alias]), joins("Second Bank", reads=[alias])
    reports(one, url, "url")
    reports(other, value, kind)
    (listing,) = live(held_by(alias))
    said = from_stix(listing)
    assert (said.kind, said.value) == (kind, value)
    assert next(each for each in listing["extensions"].values() if "reporters" in each)["reporters"] == 2


def test_a_link_in_anothers_stix_is_the_account(joins: Joins, reports: Reports, post: Any, held_by: Held) -> None:
    one, other = joins("First Bank", reads=["takedown"]), joins("Second Bank", reads=["takedown"])
    assert not post(url_indicator(one, "https://t.me/scam_example"), by=one).failed
    reports(other, "telegram:scam_example", "social-account")
    (listing,) = live(held_by("takedown"))
    assert from_stix(listing).value == "telegram:scam_example"


@pytest.mark.parametrize("spelling", ["https://t.me/scam_example", "t.me/scam_example", "telegram: @scam_example"])
def test_each_spelling_finds_and_retracts_it(
    spelling: str, store: Store, joins: Joins, reports: Reports, held_by: Held
) -> None:
    said = reports(joins("First Bank", reads=["takedown"]), "https://t.me/scam_example", "url")
    with store.begin() as tx:
        (known,) = lookup(tx, spelling)
        assert [each["id"] for each in known.indicators] == [said["id"]]
        assert [each.indicator for each in retract(hub_on(store), tx, spelling)] == [said["id"]]
    assert live(held_by("takedown")) == []


@pytest.mark.parametrize("url", ["https://t.me/c/123456/7", "https://facebook.com/sharer.php", "https://etherscan.io/"])
def test_a_page_that_shows_no_account_stays_a_url(url: str) -> None:
    assert value_index.subject_of("url", url) == f"url:{url}"
