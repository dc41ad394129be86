"""A report of a value that the operator delisted is held, from any partner and in any spelling."""

from collections.abc import Callable
from typing import Any

import pytest

from schemas.partner import Partner
from server.release import review
from server.release.results import Results
from server.release.retract import retract
from server.store import Store
from tests.unit.server.release.hubs import hub_on

Joins = Callable[..., Partner]
Stix = Callable[..., list[dict[str, Any]]]
Post = Callable[..., Results]

DOMAIN, PAGE = "shop.example.com", "https://shop.example.com/pay"
SPELLINGS = [
    ("domain", DOMAIN),
    ("domain", f"www.{DOMAIN}"),
    ("url", f"https://{DOMAIN}/"),
    ("url", f"http://{DOMAIN}"),
    ("url", f"http://www.{DOMAIN}/"),
    ("url", f"https://{DOMAIN}/?ref=1"),
    ("url", f"https://{DOMAIN}/index.html"),
    ("url", f"https://{DOMAIN.upper()}:443/#top"),
    ("domain", f"{DOMAIN}."),
    ("url", f"https://{DOMAIN}:8443/"),
    ("url", f"http://www.{DOMAIN}:8080"),
    ("url", f"https://{DOMAIN}.:8443/index.html?ref=1"),
]


@pytest.fixture
def retracted(store: Store, stix: Stix, post: Post) -> Callable[..., None]:
    """Let Example Bank report a value, and let the operator retract it."""

    def retract_value(value: str = DOMAIN, kind: str = "domain", **columns: str) -> None:
        assert not post(stix(value, kind, **columns)[1]).pending
        with store.begin() as tx:
            assert retract(hub_on(store), tx, value)

    return retract_value


@pytest.mark.parametrize(("kind", "value"), SPELLINGS)
def test_retracted_value_is_held_in_any_spelling_from_any_partner(
    kind: str, value: str, retracted: Callable[..., None], stix: Stix, post: Post, other: Partner
) -> None:
    retracted()
    (pending,) = post(stix(value, kind, reporter=other.name)[1], by=other).pending
    assert "operator" in pending.message


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("url", PAGE),
        ("url", "http://www.shop.example.com/pay/"),
        ("url", "https://shop.example.com//pay"),
        ("url", "https://shop.example.com/pay?session=7"),
        ("url", "https://shop.example.com:8443/pay"),
        ("url", "http://www.shop.example.com:8080/pay/?session=7"),
    ],
)
def test_a_page_is_held_in_any_spelling(
    kind: str, value: str, retracted: Callable[..., None], stix: Stix, post: Post, other: Partner
) -> None:
    retracted(PAGE, "url")
    assert post(stix(value, kind, reporter=other.name)[1], by=other).pending


@pytest.mark.parametrize(
    ("before", "kind", "value"),
    [
        (("+66812345678", "phone"), "social-account", "whatsapp:+66812345678"),
        (("facebook:some.page", "social-account"), "url", "https://m.facebook.com/some.page/"),
        (("GB33BUKB20201555555555", "bank-account"), "bank-account", "GB:202015:55555555"),
        (("192.0.2.7", "ip"), "url", "https://192.0.2.7:8443/"),
        (("2001:db8::7", "ip"), "url", "https://[2001:db8::7]:8443/"),
        (("desk@shop.example.com", "email"), "email", "Desk+1@shop.example.com"),
        (("GB29NWBK60161331926819", "bank-account"), "bank-account", "GB:601613:31926819"),
        (("GB:601613:31926819", "bank-account"), "bank-account", "GB29NWBK60161331926819"),
        (("US:CHASUS33:1234567890", "bank-account"), "bank-account", "US:021000021:1234567890"),
        (("BR:341:0123123456", "bank-account"), "bank-account", "BR8660701190001230000123456C1"),
    ],
)
def test_the_same_value_of_another_kind_is_held(
    before: tuple[str, str],
    kind: str,
    value: str,
    retracted: Callable[..., None],
    stix: Stix,
    post: Post,
    other: Partner,
) -> None:
    retracted(*before)
    assert post(stix(value, kind, reporter=other.name)[1], by=other).pending


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("domain", "pay.shop.example.com"),
        ("domain", "shop.example.org"),
        ("url", "https://shop.example.com/other"),
        ("url", "https://shop.example.com:8443/other"),
    ],
)
def test_other_values_are_not_held(
    kind: str, value: str, retracted: Callable[..., None], stix: Stix, post: Post, other: Partner
) -> None:
    retracted()
    assert not post(stix(value, kind, reporter=other.name)[1], by=other).pending


def test_a_value_rejected_in_review_is_held_for_other_partners_too(
    store: Store, stix: Stix, post: Post, other: Partner
) -> None:
    refused = stix("google.com")[1]
    post(refused)
    with store.begin() as tx:
        review.decide(hub_on(store), tx, [refused["id"]], "rejected", "operator")
    again = stix("https://google.com/", "url", reporter=other.name)[1]
    post(again, by=other)
    with store.read() as tx:
        assert review.find(tx, again["id"]).rule == "delisted"


def test_an_approved_value_is_no_longer_delisted(
    store: Store, retracted: Callable[..., None], stix: Stix, post: Post, other: Partner, joins: Joins
) -> None:
    retracted()
    again = stix(DOMAIN, reporter=other.name)[1]
    assert post(again, by=other).pending
    with store.begin() as tx:
        review.decide(hub_on(store), tx, [again["id"]], "approved", "operator")
    third = joins("Third Bank")
    assert not post(stix(f"www.{DOMAIN}", reporter=third.name)[1], by=third).pending


def test_a_value_that_others_still_report_is_not_delisted(
    store: Store, stix: Stix, post: Post, other: Partner, joins: Joins
) -> None:
    ours = stix(DOMAIN)[1]
    post(ours)
    post(stix(DOMAIN, reporter=other.name)[1], by=other)
    with store.begin() as tx:
        assert retract(hub_on(store), tx, ours["id"])
    third = joins("Third Bank")
    assert not post(stix(DOMAIN, reporter=third.name)[1], by=third).pending


def test_a_value_that_its_reporter_revokes_is_not_delisted(
    store: Store, stix: Stix, post: Post, bank: Partner, other: Partner
) -> None:
    post(stix(DOMAIN)[1])
    with store.begin() as tx:
        assert retract(hub_on(store), tx, DOMAIN, bank)
    assert not post(stix(DOMAIN, reporter=other.name)[1], by=other).pending
