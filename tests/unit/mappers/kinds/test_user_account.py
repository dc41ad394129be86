"""Accounts, aliases, senders and companies as STIX user accounts, in both directions."""

from typing import Any

import pytest

from mappers.indicator import Profile, to_stix
from mappers.report_reader import from_stix
from schemas.errors import Rejected
from schemas.tabular import ReportReader

REPORTED = "2026-11-24T08:00:00.000Z"


def stix(kind: str, value: str, profile: Profile = Profile.FULL) -> list[dict[str, Any]]:
    reader = ReportReader({"reporter": "Example Bank", "reported_at": REPORTED, "kind": kind})
    return to_stix(reader.report({"value": value}), profile)


@pytest.mark.parametrize(
    ("kind", "value", "account_type", "user_id"),
    [
        ("payment-alias", "promptpay:+66812345678", "promptpay", "+66812345678"),
        ("payment-alias", "upi:someone@ybl", "upi", "someone@ybl"),
        ("phone", "TH:KBANK", "sms-sender", "TH:KBANK"),
        ("phone", "TH:1555", "short-code", "TH:1555"),
        ("bank-account", "US:064208165:1234567890", "bank-account", "US:064208165:1234567890"),
        ("bank-account", "IN:PYTM:919912345678", "bank-account", "IN:PYTM:919912345678"),
        ("company", "GB:00000006", "company-register", "GB:00000006"),
    ],
)
def test_a_kind_without_a_stix_type_is_a_user_account_of_its_issuer(
    kind: str, value: str, account_type: str, user_id: str
) -> None:
    observable, indicator, _ = stix(kind, value)
    assert observable == {
        "type": "user-account",
        "spec_version": "2.1",
        "id": observable["id"],
        "account_type": account_type,
        "user_id": user_id,
    }
    assert indicator["pattern"] == (
        f"[user-account:account_type = '{account_type}' AND user-account:user_id = '{user_id}']"
    )
    assert (from_stix(indicator).kind, from_stix(indicator).value) == (kind, value)


def test_an_account_whose_bank_has_a_bic_is_a_bank_account() -> None:
    assert stix("bank-account", "HK:HSBCHKHH:123456789001")[0]["bic"] == "HSBCHKHH"


def test_the_same_number_by_two_codes_is_two_observables() -> None:
    ids = {stix("bank-account", f"AU:{bsb}:12345678")[0]["id"] for bsb in ("062000", "063000")}
    assert len(ids) == 2


def test_user_account_of_an_unknown_type_has_no_kind() -> None:
    indicator = stix("payment-alias", "upi:someone@ybl")[1]
    foreign = {**indicator, "pattern": indicator["pattern"].replace("'upi'", "'nobodys-pay'")}
    with pytest.raises(Rejected) as refusal:
        from_stix(foreign)
    assert refusal.value.reason == "not-a-kind"
