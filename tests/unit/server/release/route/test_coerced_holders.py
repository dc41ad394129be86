"""A coerced holder is protected: the account is never blocked, and few partners see the report."""

from collections.abc import Callable
from typing import Any

import pytest

from mappers import extension, marking
from schemas.partner import FocalFunction, Partner
from schemas.vocabulary import Tlp
from server.store import Store, focal_points

Joins = Callable[..., Partner]
Reports = Callable[..., dict[str, Any]]
Held = Callable[[str], dict[str, dict[str, Any]]]
Own = Callable[..., dict[str, dict[str, Any]]]
Listed = Callable[..., str]
Withdraws = Callable[[Partner, dict[str, Any]], None]

ACCOUNT = {"value": "DE89370400440532013000", "kind": "bank-account"}
SHARED = [name + full for name in ("mule-accounts", "public", "sightings") for full in ("", "-full")]
PROTECTING = {"first", "exchange", "police"}


@pytest.fixture
def partners(joins: Joins) -> dict[str, Partner]:
    reads = ["mule-accounts", "public"]
    return {
        "first": joins("First Bank", reads=reads),
        "exchange": joins("Exchange", "exchange", reads),
        "police": joins("Police", "government", reads, authority=("bank-account",)),
        "platform": joins("Platform", "platform", reads),
        "research": joins("Research", "research", reads),
        "outside": joins("Outside Bank"),
        "reporter": joins("Reporter", "telecom", reads),
    }


Partners = dict[str, Partner]


@pytest.fixture
def everywhere(partners: Partners, held_by: Held, own_room: Own) -> Callable[[str], list[dict[str, Any]]]:
    """Return the latest versions of the objects with a pattern in any collection."""

    def find(pattern: str) -> list[dict[str, Any]]:
        rooms = [held_by(alias) for alias in SHARED] + [own_room(each) for each in partners.values()]
        return [obj for room in rooms for obj in room.values() if obj.get("pattern") == pattern]

    return find


def live(obj: dict[str, Any] | None) -> bool:
    return obj is not None and not obj.get("revoked", False)


def test_coerced_account_is_published_only_for_protecting_partners(
    partners: Partners, reports: Reports, held_by: Held, own_room: Own, listed: Listed
) -> None:
    said = reports(partners["reporter"], **ACCOUNT, holder_status="coerced", tlp="clear")
    reached = {name for name, each in partners.items() if live(own_room(each).get(listed(said, to=each)))}
    assert reached == PROTECTING
    assert not any(listed(said) in held_by(alias) for alias in SHARED)
    for name in PROTECTING:
        assert own_room(partners[name])[listed(said, to=partners[name])]["object_marking_refs"] == [
            marking.ref(Tlp.AMBER_STRICT)
        ]


def test_coerced_listing_names_the_focal_point_for_protection(
    store: Store, partners: Partners, reports: Reports, own_room: Own, listed: Listed
) -> None:
    with store.begin() as tx:
        focal_points.put(tx, "Police", FocalFunction.PROTECTION, "protection@police.example")
    said = reports(partners["reporter"], **ACCOUNT, holder_status="coerced", countries="TH")
    listing = own_room(partners["first"])[listed(said, to=partners["first"])]
    assert extension.context_of(listing)["referral"] == {
        "organisation": "Police",
        "contact": "protection@police.example",
    }
    assert "protection@police.example" in str(listing["external_references"])


def test_without_a_focal_point_in_the_country_the_hubs_is_named(
    store: Store, partners: Partners, reports: Reports, own_room: Own, listed: Listed
) -> None:
    with store.begin() as tx:
        focal_points.put(tx, "Police", FocalFunction.PROTECTION, "protection@police.example")
        focal_points.put(tx, focal_points.HUB, FocalFunction.PROTECTION, "protection@hub.example")
    said = reports(partners["reporter"], **ACCOUNT, holder_status="coerced", countries="KH")
    assert (
        extension.context_of(own_room(partners["first"])[listed(said, to=partners["first"])])["referral"]["contact"]
        == "protection@hub.example"
    )


@pytest.mark.parametrize(
    ("account", "countries"),
    [
        ({"value": "1234567890", "kind": "bank-account", "bank": "KBANK"}, ""),
        ({"value": "1234567890", "kind": "bank-account", "bank": "KBANK"}, "KH"),
        ({"value": "0812345678", "kind": "payment-alias", "system": "promptpay"}, ""),
        ({"value": "DE89370400440532013000", "kind": "bank-account"}, "KH;TH"),
    ],
    ids=["its own country", "its own before another", "that of a payment system", "another country concerned"],
)
def test_country_of_the_account_counts_and_the_hubs_focal_point_is_last(
    store: Store, partners: Partners, reports: Reports, own_room: Own, listed: Listed, account: Any, countries: str
) -> None:
    with store.begin() as tx:
        focal_points.put(tx, "Police", FocalFunction.PROTECTION, "protection@police.example")
        focal_points.put(tx, focal_points.HUB, FocalFunction.PROTECTION, "protection@hub.example")
    said = reports(partners["reporter"], **account, holder_status="coerced", countries=countries)
    listing = own_room(partners["first"])[listed(said, to=partners["first"])]
    assert extension.context_of(listing)["referral"]["contact"] == "protection@police.example"


ORDERS = [("coerced", "block"), ("block", "coerced")]


@pytest.mark.parametrize("order", ORDERS, ids=["protected first", "accused first"])
@pytest.mark.parametrize("limits", [{}, {"tlp": "red", "only_partners": "Research"}, {"tlp": "red"}], ids=str)
def test_one_sign_of_coercion_outweighs_every_request_to_block(
    partners: Partners,
    reports: Reports,
    everywhere: Callable[[str], list[dict[str, Any]]],
    listed: Listed,
    order: tuple[str, str],
    limits: dict[str, str],
) -> None:
    """The partners that may see the sign itself, possibly none."""
    for step in order:
        if step == "coerced":
            said = reports(partners["reporter"], **ACCOUNT, holder_status="coerced", **limits)
        else:
            for name in ("first", "exchange", "police"):
                reports(partners[name], **ACCOUNT, confidence="99", action="block", holder_status="complicit")
    versions = everywhere(said["pattern"])
    assert versions
    assert not any(live(each) and extension.context_of(each)["grade"] == "block" for each in versions)
    assert any(live(each) for each in versions)


def test_a_shared_listing_is_revoked_once_coercion_is_reported(
    partners: Partners, reports: Reports, held_by: Held, own_room: Own, listed: Listed
) -> None:
    said = reports(partners["police"], **ACCOUNT, confidence="99", tlp="clear")
    assert extension.context_of(held_by("public")[listed(said)])["grade"] == "block"
    reports(partners["reporter"], **ACCOUNT, holder_status="coerced")
    assert all(held_by(alias)[listed(said)]["revoked"] for alias in ("mule-accounts", "mule-accounts-full", "public"))
    kept = own_room(partners["first"])[listed(said, to=partners["first"])]
    assert (live(kept), extension.context_of(kept)["grade"]) == (True, "warn")


@pytest.mark.parametrize("order", ["protected first", "accused first"])
def test_other_reports_count_again_after_the_sign_is_revoked(
    partners: Partners, reports: Reports, withdraws: Withdraws, held_by: Held, own_room: Own, order: str
) -> None:
    """It is listed as a new object in collections where it was delisted."""
    if order == "accused first":
        reports(partners["police"], **ACCOUNT, confidence="99")
    sign = reports(partners["reporter"], **ACCOUNT, holder_status="coerced")
    reports(partners["police"], **ACCOUNT, confidence="99")
    withdraws(partners["reporter"], sign)
    for held in (held_by("mule-accounts"), own_room(partners["first"])):
        grades = [
            extension.context_of(each)["grade"] for each in held.values() if each["type"] == "indicator" and live(each)
        ]
        assert grades == ["block"]


@pytest.mark.parametrize("which", ["sighting", "outcome"])
def test_annotations_have_at_most_its_audience(
    partners: Partners, reports: Reports, records_of: Reports, held_by: Held, own_room: Own, listed: Listed, which: str
) -> None:
    said = reports(partners["reporter"], **ACCOUNT, holder_status="coerced")
    word = {"outcome": "held"} if which == "outcome" else {}
    speech = records_of(partners["first"], which, of=listed(said, to=partners["first"]), **word)
    assert not any(speech["id"] in held_by(alias) for alias in SHARED)
    assert not any(speech["id"] in own_room(partners[name]) for name in ("platform", "research", "outside"))
