"""A look-up of a URL, subdomain or mailbox returns its site's listing, except for shared services."""

import json
import time
from datetime import timedelta
from typing import Any

import pytest

from mappers import extension
from mappers.indicator import to_stix
from schemas import timestamp
from schemas.tabular import ReportReader
from server.release import review
from server.store import collections, log, reviews
from server.store.item import Item
from tests.integration.api.conftest import ApiHub

SITE = "rogue-shop.com"
AT_THE_SITE = (
    "https://rogue-shop.com/pay?id=7",
    "hxxps://www[.]rogue-shop[.]com:8443/pay",
    "www.rogue-shop.com",
    "a.b.c.rogue-shop.com",
    "Help@mail.rogue-shop.com",
    "url:https://rogue-shop.com/",
)


def _approve_all(hub: ApiHub) -> None:
    with hub.store.begin() as tx:
        held = [found.object_id for found in reviews.all_reviews(tx, "open")]
        assert held
        review.decide(hub.hub, tx, held, "approved", "somebody")


def test_value_at_a_listed_domain_has_its_grade(hub: ApiHub) -> None:
    hub.report("bank", SITE, "domain", scam_type="investment")
    [listed] = hub.look_up(SITE)
    for value, result in zip(AT_THE_SITE, hub.look_up(*AT_THE_SITE), strict=True):
        assert (result["value"], result["found"], result["listings"]) == (value, False, [])
        assert result["grade"] == listed["grade"]
        assert result["site"] == {
            "value": SITE,
            "kind": "domain",
            "grade": listed["grade"],
            "listings": listed["listings"],
        }
        assert result["cache_seconds"] == listed["cache_seconds"]
        # A single value uses a different SQL statement.
        assert hub.look_up(value) == [result]
    assert "site" not in listed


def test_the_strongest_of_value_and_site_is_the_grade(hub: ApiHub) -> None:
    page = "https://rogue-shop.com/pay"
    hub.report("bank", page, "url", action="monitor")
    [alone] = hub.look_up(page)
    assert (alone["found"], alone["grade"], "site" in alone) == (True, "monitor", False)
    hub.report("bank", SITE, "domain", action="warn")
    [both] = hub.look_up(page)
    assert (both["found"], both["listings"]) == (True, alone["listings"])
    assert both["grade"] == both["site"]["grade"] == "warn"
    hub.report("bank", "pay.rogue-shop.com", "domain", action="monitor")
    [strongest] = hub.look_up("https://pay.rogue-shop.com/x")
    assert (strongest["site"]["value"], strongest["grade"]) == (SITE, "warn")
    [nearest] = hub.look_up("x@mail.pay.rogue-shop.com")
    assert nearest["site"]["value"] == SITE


def test_url_at_a_listed_address_has_its_grade(hub: ApiHub) -> None:
    hub.report("bank", "192.0.2.7", "ip")
    [result] = hub.look_up("http://192.0.2.7:8080/login")
    assert (result["found"], result["site"]["kind"], result["site"]["value"]) == (False, "ip", "192.0.2.7")
    assert result["grade"] == result["site"]["grade"]


@pytest.mark.parametrize(
    ("service", "values"),
    [
        ("bit.ly", ["https://bit.ly/abc", "www.bit.ly"]),
        ("gmail.com", ["someone@gmail.com"]),
        ("16mb.com", ["https://shop.16mb.com/", "shop.16mb.com", "a@shop.16mb.com"]),
        ("facebook.com", ["https://www.facebook.com/events/1"]),
    ],
)
def test_a_customer_of_a_listed_service_is_not_listed(hub: ApiHub, service: str, values: list[str]) -> None:
    hub.report("bank", service, "domain")
    if not hub.look_up(service)[0]["found"]:
        _approve_all(hub)
    assert hub.look_up(service)[0]["found"]
    for result in hub.look_up(*values):
        assert not result["found"]
        assert "site" not in result
        assert "grade" not in result


def test_hidden_and_absent_sites_look_alike(hub: ApiHub) -> None:
    hub.report("bank", SITE, "domain")
    hub.report("bank", "gone-shop.com", "domain")
    hub.retract("gone-shop.com", "bank")
    hidden, gone, unknown = hub.look_up(
        *(f"https://{name}-shop.com/pay" for name in ("rogue", "gone", "other")), by="stranger"
    )
    for result, name in ((hidden, "rogue"), (gone, "gone")):
        assert json.dumps(result).replace(name, "other") == json.dumps(unknown)
    assert [result.get("grade") for result in hub.look_up("https://gone-shop.com/pay")] == [None]


@pytest.mark.parametrize("settings", [{"lookup_values": 600}])
def test_parents_use_no_quota(hub: ApiHub) -> None:
    body = json.dumps({"values": [{"value": "https://a.b.c.rogue-shop.com/pay", "kind": "url"}]}).encode()
    left = [hub.ask("POST", "/api/lookup", "reader", body)[1]["RateLimit"] for _ in range(2)]
    before, after = (int(text.partition("r=")[2].partition(";")[0]) for text in left)
    assert before - after == 1


def test_anonymous_client_sees_public_sites_only(hub: ApiHub) -> None:
    hub.report("police", SITE, "domain", tlp="clear")
    hub.report("police", "quiet-shop.com", "domain")
    for name, expected in (("rogue", SITE), ("quiet", None)):
        status, _, body = hub.ask("GET", f"/api/check?value=https://www.{name}-shop.com/pay", None)
        assert status == 200
        [result] = json.loads(body)["results"]
        assert result.get("site", {}).get("value") == expected
        assert ("grade" in result) == (expected is not None)


def _pages(result: dict[str, Any]) -> list[str]:
    return [listing["value"] for listing in result["pages"]["listings"]]


def test_a_listed_page_is_mentioned_and_lists_no_host(hub: ApiHub) -> None:
    page, other = "https://one-page.com/pay?id=7", "http://www.one-page.com:8080/login"
    hub.report("bank", page, "url", scam_type="investment")
    hub.report("bank", other, "url", action="monitor")
    for value in ("one-page.com", "www.one-page.com", "https://one-page.com/", "http://one-page.com:81"):
        [result] = hub.look_up(value)
        assert (result["found"], result["listings"], "grade" in result, "site" in result) == (False, [], False, False)
        assert (result["pages"]["count"], result["pages"]["more"]) == (2, False)
        assert _pages(result) == [page, other]
        assert result["pages"]["listings"][0]["scam_type"] == "investment"
    for result in hub.look_up(page, "shop.one-page.com", "a@one-page.com", "one-page.com.other-shop.com"):
        assert "pages" not in result
    # Several hosts at once use a different SQL statement.
    several = hub.look_up("one-page.com", *(f"shop-{number}.com" for number in range(8)))
    assert [_pages(result) if "pages" in result else None for result in several] == [[page, other], *[None] * 8]


def test_a_listed_start_page_is_no_page_of_itself(hub: ApiHub) -> None:
    hub.report("bank", "https://one-page.com/", "url")
    [start, host] = hub.look_up("https://one-page.com/", "one-page.com")
    assert start["found"]
    assert "pages" not in start
    assert _pages(host) == ["https://one-page.com/"]


def test_pages_of_an_address_are_mentioned(hub: ApiHub) -> None:
    hub.report("bank", "http://[2001:db8::7]:81/login", "url")
    assert _pages(hub.look_up("2001:db8::7")[0]) == ["http://[2001:db8::7]:81/login"]


def test_hidden_retracted_and_ended_pages_are_not_mentioned(hub: ApiHub) -> None:
    hub.report("bank", "https://one-page.com/gone", "url")
    hub.retract("https://one-page.com/gone", "bank")
    soon = timestamp.now() + timedelta(seconds=2)
    hub.report("bank", "https://ended-page.com/a", "url", valid_until=timestamp.text(soon))
    hub.report("bank", "https://other-page.com/a", "url")
    assert _pages(hub.look_up("ended-page.com")[0]) == ["https://ended-page.com/a"]
    assert "pages" not in hub.look_up("one-page.com")[0]
    hidden, unknown = hub.look_up("other-page.com", "never-page.com", by="stranger")
    assert json.dumps(hidden).replace("other", "never") == json.dumps(unknown)
    time.sleep(max(0.0, (soon - timestamp.now()).total_seconds()) + 0.1)
    assert "pages" not in hub.look_up("ended-page.com")[0]


def test_a_host_with_very_many_pages_answers_at_once(hub: ApiHub) -> None:
    many, made = 2_000, []
    reports = ReportReader(
        {"reporter": "bench", "kind": "url", "tlp": "green", "reported_at": timestamp.text(timestamp.now())}
    )
    for number in range(many):
        report = reports.report({"value": f"https://full-page.com/{number}"})
        around, indicator, relation = to_stix(report)
        listed = {**indicator["extensions"][extension.ID], "grade": "block", "reporters": 2, "reporter_kinds": ["bank"]}
        indicator = {**indicator, "extensions": {**indicator["extensions"], extension.ID: listed}}
        basis = Item.of(around), Item.of(relation)
        made.append(Item.of(indicator)._replace(subject=f"url:{report.value}", basis=basis))
    with hub.store.begin() as tx:
        variants = [collections.get(tx, alias) for alias in ("takedown", "takedown-full")]
        log.append_all(tx, [(variant, made) for variant in variants])
    started = time.process_time()
    [result] = hub.look_up("full-page.com")
    assert time.process_time() - started < 0.5
    assert (result["pages"]["count"], result["pages"]["more"], len(_pages(result))) == (10, True, 10)
    # The response has the newest ones.
    assert set(_pages(result)) == {f"https://full-page.com/{number}" for number in range(many - 10, many)}
