"""An account with several names is one: listed once, protected under each name, and never confused with another."""

from collections.abc import Callable
from typing import Any

import pytest

from mappers.report_reader import from_stix
from schemas.kind import Kind
from schemas.kinds.bank_account import BankAccount
from schemas.partner import Partner
from server.release.query.lookup import lookup
from server.release.republish import republish
from server.release.retract import retract
from server.setup import set_up
from server.store import Store, inbox, value_index
from tests.unit.server.release.hubs import hub_on

Joins = Callable[..., Partner]
Reports = Callable[..., dict[str, Any]]
Held = Callable[[str], dict[str, dict[str, Any]]]
Own = Callable[..., dict[str, dict[str, Any]]]

IBAN, CODED = "GB29NWBK60161331926819", "GB:601613:31926819"
BRAZILIAN = "BR8660701190001230000123456C1"
# Two names of one account, from two partners.
NAMES = [
    pytest.param({"value": IBAN}, {"value": CODED}, id="GB"),
    pytest.param({"value": IBAN}, {"value": "31926819", "bank": "60-16-13", "country": "GB"}, id="GB-columns"),
    pytest.param(
        {"value": "1234567890", "bic": "CHASUS33XXX"},
        {"value": "1234567890", "bank": "021000021", "country": "US"},
        id="US",
    ),
    pytest.param({"value": "US:CHASUS33:1234567890"}, {"value": "US:111000614:1234567890"}, id="US-own-form"),
    pytest.param(
        {"value": "062-000 12345678", "bic": "CTBAAU2S"},
        {"value": "12345678", "bank": "062000", "country": "AU"},
        id="AU",
    ),
    pytest.param({"value": "BR:341:0123123456"}, {"value": "BR:60701190:0123123456"}, id="BR"),
    pytest.param({"value": "BR:341:01230000123456"}, {"value": "0123 12345-6", "bic": "ITAUBRSP"}, id="BR-zeros"),
    pytest.param({"value": BRAZILIAN}, {"value": "BR:341:0123123456"}, id="BR-IBAN"),
    pytest.param(
        {"value": "1234567", "bank": "12345-003", "country": "CA"},
        {"value": "12345003 1234567", "bic": "ROYCCAT2"},
        id="CA",
    ),
    *(
        pytest.param(
            {"value": number, "bank": bank, "country": country},
            {"value": padded, "bank": bank, "country": country},
            id=bank,
        )
        for country, bank, number, padded in (
            ("TH", "KBANK", "123-4-56789-0", "๐๐๑๒๓๔๕๖๗๘๙๐"),
            ("TH", "SCB", "1234567890", "0141234567890"),
            ("TH", "GSB", "020123456789", "000020123456789"),
            ("TH", "UOB", "1234567890", "001234567890"),
            ("MY", "CIMB", "7012345678", "00 0000 7012 3456 78"),
            ("MY", "Maybank", "114012345678", "0000114012345678"),
            ("IN", "SBI", "31234567890", "００００００31234567890"),
            ("ID", "BCA", "1234567890", "0000001234567890"),
            ("SG", "UOB", "1234567890", "00-1234567890"),
        )
    ),
]
OTHERS = [
    pytest.param(IBAN, "GB:601614:31926819", id="another-sort-code"),
    pytest.param(IBAN, "GB:601613:31926818", id="another-number"),
    pytest.param("US:CHASUS33:1234567890", "US:026009593:1234567890", id="another-bank"),
    pytest.param("US:CHASUS33:1234567890", "US:064208165:1234567890", id="a-bank-that-is-not-known"),
    pytest.param("US:CHASUS33:1234567890", "US:CHASUS33:01234567890", id="a-zero-in-front"),
    pytest.param("VN:MSCBVNVX:0123456789", "VN:MSCBVNVX:123456789", id="a-chosen-number"),
    pytest.param("SG:DBSSSGSG:0031234567", "SG:DBSSSGSG:031234567", id="numbers-of-9-and-10-digits"),
    pytest.param("AU:062000:012345678", "AU:062000:12345678", id="a-zero-in-front-in-Australia"),
    pytest.param("MY:CIBBMYKL:7012345678", "MY:CIBBMYKL:70123456780", id="a-zero-behind"),
    pytest.param("BR:341:0123123456", "BR:237:0123123456", id="another-bank-of-Brazil"),
    pytest.param("BR:341:0123123456", "BR:341:0124123456", id="another-agency"),
    pytest.param("AU:062000:12345678", "AU:062001:12345678", id="another-branch"),
    pytest.param(BRAZILIAN, "BR6860701190001230000123456P1", id="savings"),
]


@pytest.fixture
def first(joins: Joins) -> Partner:
    return joins("First Bank", reads=["mule-accounts"])


@pytest.fixture
def second(joins: Joins) -> Partner:
    return joins("Second Bank", reads=["mule-accounts"])


@pytest.fixture
def live(held_by: Held) -> Callable[[], list[dict[str, Any]]]:
    """Return the active listings of accounts."""

    def find() -> list[dict[str, Any]]:
        found = held_by("mule-accounts").values()
        return [obj for obj in found if obj["type"] == "indicator" and not obj.get("revoked")]

    return find


Live = Callable[[], list[dict[str, Any]]]


def ours(listing: dict[str, Any]) -> Any:
    return next(each for each in listing["extensions"].values() if "reporters" in each)


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize(("one", "other"), NAMES)
def test_two_names_are_one_listing_with_two_reporters(
    one: dict[str, str],
    other: dict[str, str],
    swapped: bool,
    first: Partner,
    second: Partner,
    reports: Reports,
    live: Live,
) -> None:
    for partner, name in zip((first, second), (other, one) if swapped else (one, other), strict=True):
        reports(partner, kind="bank-account", **name)
    (listing,) = live()
    assert ours(listing)["reporters"] == 2


@pytest.mark.parametrize(("one", "other"), OTHERS)
def test_two_accounts_are_two_listings(
    one: str, other: str, first: Partner, second: Partner, reports: Reports, live: Live
) -> None:
    reports(first, one, "bank-account")
    reports(second, other, "bank-account")
    assert [ours(each)["reporters"] for each in live()] == [1, 1]


def test_iban_is_listed_once_a_report_has_it(
    first: Partner, second: Partner, reports: Reports, held_by: Held, live: Live
) -> None:
    reports(first, CODED, "bank-account")
    (before,) = live()
    reports(second, IBAN, "bank-account")
    (after,) = live()
    assert after["pattern"] == f"[bank-account:iban = '{IBAN}']"
    gone = held_by("mule-accounts")[before["id"]]
    assert (gone["revoked"], gone["pattern"]) == (True, before["pattern"])


def test_iban_is_removed_with_its_last_report(
    first: Partner, second: Partner, reports: Reports, withdraws: Any, live: Live
) -> None:
    reports(first, CODED, "bank-account")
    said = reports(second, IBAN, "bank-account")
    withdraws(second, said)
    (listing,) = live()
    assert from_stix(listing).value == CODED


@pytest.mark.parametrize(("one", "other"), NAMES)
def test_a_coerced_holder_is_protected_under_each_name(
    one: dict[str, str], other: dict[str, str], first: Partner, second: Partner, reports: Reports, live: Live
) -> None:
    reports(first, kind="bank-account", **one, action="block", confidence="95")
    reports(second, kind="bank-account", **other, holder_status="coerced")
    assert live() == []


@pytest.mark.parametrize(("one", "other"), NAMES)
def test_account_belongs_to_its_bank_under_each_name(
    one: dict[str, str], other: dict[str, str], store: Store, first: Partner, stix: Any, post: Any
) -> None:
    value = from_stix(stix(kind="bank-account", **one)[1]).value
    with store.begin() as tx:
        value_index.add_own_values(tx, first.name, [value_index.subject_of("bank-account", value)])
    (held,) = post(stix(kind="bank-account", **other)[1]).pending
    assert "registered this value as its own" in held.message


@pytest.mark.parametrize(("one", "other"), [(IBAN, CODED), (CODED, IBAN), (BRAZILIAN, "BR:341:0123123456")])
def test_each_name_finds_and_retracts_it(
    one: str, other: str, store: Store, first: Partner, reports: Reports, live: Live
) -> None:
    said = reports(first, one, "bank-account")
    with store.begin() as tx:
        (known,) = [each for each in lookup(tx, other) if each.kind == "bank-account"]
        assert [each["id"] for each in known.indicators] == [said["id"]]
        assert [each["revoked"] for each in known.listings if each.get("revoked")] == []
        assert [each.indicator for each in retract(hub_on(store), tx, other)] == [said["id"]]
    assert live() == []


def test_collections_use_the_name_reported_in_each_of_them(joins: Joins, reports: Reports, held_by: Held) -> None:
    one, other = (joins(name, reads=["mule-accounts", "public"]) for name in ("First Bank", "Second Bank"))
    reports(one, CODED, "bank-account", tlp="clear")
    reports(other, IBAN, "bank-account", tlp="amber")
    said = [
        (obj["id"], from_stix(obj).value)
        for alias in ("mule-accounts", "public")
        for obj in held_by(alias).values()
        if obj["type"] == "indicator" and not obj.get("revoked")
    ]
    assert len({id_ for id_, _ in said}) == 1
    assert len({value for _, value in said}) == 1


def test_older_store_knows_its_accounts_by_one_name(
    store: Store,
    first: Partner,
    second: Partner,
    reports: Reports,
    live: Live,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as before:
        before.setattr(BankAccount, "key", Kind.key)
        one, other = reports(first, IBAN, "bank-account"), reports(second, CODED, "bank-account")
    with store.begin() as tx:
        value_index.add_own_values(tx, first.name, ["bank-account:US:021000021:1234567890"])
        value_index.add_own_values(tx, second.name, ["bank-account:US:CHASUS33:1234567890", "bank-account:GB:601613:1"])
    assert len(live()) == 2
    set_up(store)
    set_up(store)
    with store.begin() as tx:
        keys = value_index.find(tx, [f"bank-account:{CODED}"])[f"bank-account:{CODED}"]
        assert {one["id"], other["id"]} == set(map(inbox.object_id, keys))
        assert value_index.all_own_values(tx) == {
            "bank-account:US:CHASUS33:1234567890": first.name,
            "bank-account:GB:601613:1": second.name,
        }
    for _ in republish(hub_on(store)):
        pass
    (listing,) = live()
    assert (from_stix(listing).value, ours(listing)["reporters"]) == (IBAN, 2)
