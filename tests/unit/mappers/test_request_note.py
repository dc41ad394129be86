"""Requests and responses as STIX notes, in both directions."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, strategies as st
from pydantic import ValidationError

from mappers import ids
from mappers.record_reader import read_request
from mappers.records import sent_request
from schemas import timestamp
from schemas.errors import Rejected
from schemas.request import Request, RequestAnswer

AT = timestamp.parse("2026-11-01T08:00:00Z")
NAMES = ("Example Bank", "Other Bank", "Police")
REPORTERS = {ids.identity(name): name for name in NAMES}
ACCOUNT, WALLET = "bank-account:TH:KASITHBK:1234567890", "wallet:1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
VALUES = st.sampled_from([ACCOUNT, WALLET, "payment-alias:0812345678"])
LINES = st.text(st.characters(categories=("L", "N", "P"), exclude_characters="\u2028\u2029"), min_size=1, max_size=40)
AMOUNTS = st.decimals("0.01", 10**12, places=2).map(str)
HASHES = st.binary(min_size=32, max_size=32).map(bytes.hex)
PAYMENTS = st.fixed_dictionaries(
    {"message_id": st.from_regex(r"[A-Z]{2}[A-Za-z0-9/-]{1,30}", fullmatch=True)},
    optional={
        "reason": st.sampled_from(["FRAD", "AM04", "proprietary:TOO-LATE"]),
        "debtor_agent": st.sampled_from(["BKKBTHBK", "THCBC:002", "BKKBTHBKXXX THCBC:002"]),
        "settled_on": st.dates().map(str),
    },
)


@st.composite
def any_request(draw: st.DrawFn) -> Request:
    asks = draw(st.sampled_from(["freeze", "trace", "return", "information", "preserve"]))
    optional = {
        "addressee": st.sampled_from(NAMES),
        "legal_reference": LINES,
        "uetr": st.uuids(version=4).map(str),
        "end_to_end_id": st.from_regex(r"[A-Z]{2}[A-Za-z0-9/-]{1,30}", fullmatch=True),
        "transaction_hash": HASHES,
        "also_to": st.lists(st.sampled_from(NAMES), max_size=3),
        "payment": PAYMENTS,
    }
    fixed = {
        "of": st.sampled_from([ACCOUNT, WALLET]),
        "reference": LINES.filter(lambda text: bool(text.strip())),
        "deadline": st.integers(1, 10**6).map(lambda seconds: AT + timedelta(seconds=seconds)),
        "legal_basis": st.sampled_from(["court-order", "scheme-rules"]),
    }
    columns: dict[str, Any] = draw(st.fixed_dictionaries(fixed, optional=optional))
    if asks in ("return", "trace") or draw(st.booleans()):
        columns |= {"amount": draw(AMOUNTS), "currency": draw(st.sampled_from(["THB", "USDT"]))}
    if asks == "freeze" and draw(st.booleans()):
        columns["until"] = AT + timedelta(days=1)
    return Request.model_validate({"reporter": "Example Bank", "reported_at": AT, "asks": asks, **columns})


@given(request=any_request())
def test_request_survives_the_round_trip_through_its_note(request: Request) -> None:
    assert read_request(sent_request(request), REPORTERS) == request


@given(
    amount=AMOUNTS, went_to=st.lists(st.tuples(st.sampled_from([ACCOUNT, WALLET]), AMOUNTS), unique_by=lambda e: e[0])
)
def test_response_survives_the_round_trip_through_its_note(amount: str, went_to: list[tuple[str, str]]) -> None:
    columns = {
        "state": "agreed",
        "amount": amount,
        "currency": "THB",
        "request": "0b5bd6a1-2a1c-4b43-9d2c-3b1de9bb0f3a",
    }
    entries = [{"of": of, "amount": part} for of, part in went_to]
    answer = RequestAnswer.model_validate({"reporter": "Police", "reported_at": AT, "went_to": entries, **columns})
    assert read_request(sent_request(answer), REPORTERS) == answer


def test_the_text_for_people_names_no_account() -> None:
    request = _request()
    note = sent_request(request)
    assert "1234567890" not in note["abstract"] + note["content"] + str(note["labels"])


def _request(**columns: Any) -> Request:
    given = {"reporter": "Example Bank", "reported_at": AT, "asks": "freeze", "of": ACCOUNT, "reference": "C 1"}
    more = {"deadline": AT + timedelta(hours=4), "legal_basis": "scheme-rules"}
    return Request.model_validate({**given, **more, **columns})


@pytest.mark.parametrize(
    "columns",
    [
        {"amount": "1" + "0" * 30, "currency": "THB"},
        {"amount": "-1", "currency": "THB"},
        {"amount": "0", "currency": "THB"},
        {"amount": "NaN", "currency": "THB"},
        {"amount": "5"},
        {"currency": "THB"},
        {"uetr": "97ed4827-7b6f-1491-a06f-b548d5a7512d"},
        {"uetr": "not a uetr"},
        {"end_to_end_id": "NOTPROVIDED"},
        {"end_to_end_id": "x" * 36},
        {"end_to_end_id": "สวัสดี"},
        {"transaction_hash": "12ab"},
        {"asks": "burn"},
        {"asks": "return"},
        {"asks": "trace"},
        {"asks": "trace", "uetr": "97ed4827-7b6f-4491-a06f-b548d5a7512d", "until": AT + timedelta(days=1)},
        {"of": "domain:shop.example.com"},
        {"of": "indicator--0b5bd6a1-2a1c-4b43-9d2c-3b1de9bb0f3a"},
        {"reference": ""},
        {"reference": " \u200b "},
        {"reference": "two\nlines"},
        {"legal_basis": "because"},
        {"description": "about somebody"},
        {"sharing": {"only_partners": ["Other Bank"]}},
        {"also_to": [f"Bank {number}" for number in range(11)]},
        {"holder": "somebody"},
        {"victim": "somebody"},
    ],
)
def test_invalid_request_is_refused(columns: dict[str, Any]) -> None:
    with pytest.raises((ValidationError, Rejected)):
        _request(**columns)


@pytest.mark.parametrize(
    "columns",
    [
        {"state": "unconfirmed"},
        {"state": "disagreed"},
        {"state": "disagreed", "reason": "withdrawn"},
        {"state": "closed", "reason": "no-funds"},
        {"state": "closed", "reason": "unanswered"},
        {"state": "agreed", "reason": "no-funds"},
        {"state": "acknowledged", "amount": "5", "currency": "THB"},
        {"state": "acknowledged", "went_to": f"{ACCOUNT}=5"},
        {"state": "agreed", "went_to": f"{ACCOUNT}=5;{ACCOUNT}=6"},
        {"state": "agreed", "went_to": f"{ACCOUNT}"},
        {"state": "agreed", "went_to": "domain:shop.example.com=5"},
        {"state": "agreed", "request": "7"},
    ],
)
def test_invalid_response_is_refused(columns: dict[str, Any]) -> None:
    given = {"reporter": "Police", "reported_at": AT, "request": "0b5bd6a1-2a1c-4b43-9d2c-3b1de9bb0f3a"}
    with pytest.raises((ValidationError, Rejected)):
        RequestAnswer.model_validate({**given, **columns})
