"""The format shared by a hub and a partner for private matching."""

import os
from datetime import UTC, datetime

import msgspec
import pytest

from schemas import kinds
from schemas.api import matching
from schemas.api.lookup import ListedHold, Listing
from schemas.api.matching import MatchedHold, MatchedListing, MatchOutput, UnreadableRow
from schemas.vocabulary import Action

RANDOM = "5b1f6f0e-0a1c-4f5e-9d6c-3a2b1c0d9e8f"
LISTING = Listing(
    collection="mule-accounts",
    id=f"indicator--{RANDOM}",
    grade=Action.HOLD,
    confidence=90,
    reporter_kinds=("bank",),
    scam_type="investment",
    disputed=True,
    hold=ListedHold(amount="1500.00", currency="THB", until="2026-12-01T00:00:00.000Z"),
    valid_until="2027-01-31T08:00:00.000Z",
    modified="2026-11-26T08:00:00.000Z",
    tlp="amber+strict",
)


def test_all_forms_of_one_account_are_one_input() -> None:
    iban = kinds.name_of("bank-account", "GB29NWBK60161331926819")
    assert matching.input_of(iban) == b"scamfeed/match/1\0" + iban.replace(":", "\0", 1).encode()
    assert matching.input_of("url:https://a.example/b:c") == b"scamfeed/match/1\0url\0https://a.example/b:c"


def test_row_can_be_opened_with_the_value() -> None:
    output, other = MatchOutput(os.urandom(64)), MatchOutput(os.urandom(64))
    listing = matching.matched(LISTING)
    assert listing == MatchedListing(
        RANDOM, Action.HOLD, 90, 1801382400, "amber+strict", True, MatchedHold("1500.00", "THB", 1796083200)
    )
    sealed = matching.seal(output, listing)
    assert len(output.row_name + sealed) == matching.ROW == 204
    assert matching.unseal(output, sealed) == listing
    assert matching.seal(output, listing) != sealed
    for wrong in (other, MatchOutput(bytes([output.octets[0] ^ 1]) + output.octets[1:])):
        with pytest.raises(UnreadableRow):
            matching.unseal(wrong, sealed)


def test_id_derived_from_the_value_is_omitted() -> None:
    by_name = msgspec.structs.replace(LISTING, id="indicator--5b1f6f0e-0a1c-5f5e-9d6c-3a2b1c0d9e8f")
    assert matching.matched(by_name).id == ""


def test_row_length_does_not_depend_on_the_amount() -> None:
    output = MatchOutput(os.urandom(64))
    hold = ListedHold(amount="9" * 120 + ".00", currency="THB", until="2026-12-01T00:00:00.000Z")
    sealed = matching.seal(output, matching.matched(msgspec.structs.replace(LISTING, hold=hold)))
    assert len(output.row_name + sealed) == matching.ROW
    assert matching.unseal(output, sealed).hold == MatchedHold(None, None, 1796083200)


@pytest.mark.parametrize(
    ("bits", "prefix"), [(0, "0"), (1, "1"), (3, "5"), (4, "a"), (5, "15"), (12, "abc"), (14, "2af3")]
)
def test_a_bucket_is_named_by_the_first_bits(bits: int, prefix: str) -> None:
    assert matching.prefix_of(bytes.fromhex("abcdef0123456789abcdef0123456789"), bits) == prefix
    assert len(prefix) == matching.digits_of(bits)


def test_a_listing_ends() -> None:
    listing = matching.matched(LISTING)
    assert matching.is_current(listing, datetime(2027, 1, 31, 7, 59, tzinfo=UTC))
    assert not matching.is_current(listing, datetime(2027, 1, 31, 8, tzinfo=UTC))
