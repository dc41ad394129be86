"""Requests and responses as messages, and back, without loss of the fields that both have."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from mappers.notes import RequestStep, RequestView
from schemas import timestamp
from schemas.request import Request, RequestState
from server.features.iso20022.messages import read
from server.features.iso20022.reading import Asking, Defaults, Message, Responding, UnreadTransaction
from server.features.iso20022.writing import write
from server.features.iso20022.xml import MessageRefused
from server.release.guard.personal_data.objects import could_be_personal_number
from tests.iso20022_messages import UETR, cancellation, transaction
from tests.searches import examples

NOW = timestamp.parse("2026-11-29T12:00:00Z")
ID = "3f0c6c5e-8f5e-4b1a-9d55-6a6f3a1c2b11"
AGENTS = {"First Bank": "BKKBTHBK", "Second Bank": None}
NO_PAYMENT = ("NA", "N/A", "NONE", "NOTPROVIDED")
IDS = st.from_regex(r"[A-Z]{2}[A-Za-z0-9/+.-]{0,31}", fullmatch=True).filter(
    lambda text: not could_be_personal_number(text) and text.upper() not in NO_PAYMENT
)
CODES = st.sampled_from(["FRAD", "DUPL", "TECH", "AM09", "proprietary:own code 7"])
BANKS = st.sampled_from(["BKKBTHBK", "BKKBTHBKXXX", "THCBC:002", "BKKBTHBK THCBC:002"])
ACCOUNTS = st.sampled_from(
    [
        (
            "TH:KASITHBK:1234567890",
            {"account": "123-4-56789-0", "account_scheme": "BBAN", "creditor_agent": "KASITHBKXXX"},
        ),
        ("TH:KASITHBK:1234567890", {"account": "1234567890", "creditor_agent": "THCBC:004"}),
        ("TH:KASITHBK:1234567890", {}),
        ("DE89370400440532013000", {"creditor_agent": "COBADEFFXXX"}),
        ("GB29NWBK60161331926819", {}),
    ]
)


@st.composite
def any_request(draw: st.DrawFn) -> Request:
    value, account = draw(ACCOUNTS)
    asks = draw(st.sampled_from(["return", "freeze"]))
    facts = {
        **dict.fromkeys(("cancellation_id", "instruction_id", "transaction_id"), IDS),
        **{"clearing_reference": IDS, "reason": CODES, "settled_on": st.dates().map(str)},
        **dict.fromkeys(("assigner", "assignee", "debtor_agent"), BANKS),
    }
    payment = draw(st.fixed_dictionaries({"message_id": IDS}, optional=facts)) | account
    if draw(st.booleans()):
        payment |= {"original_message_id": draw(IDS), "original_message_name": "pacs.008.001.08"}
    optional = {
        "uetr": st.just(UETR),
        "end_to_end_id": IDS,
        "legal_reference": st.text("ก-7/", min_size=1, max_size=60),
    }
    columns: dict[str, Any] = draw(
        st.fixed_dictionaries({"reference": IDS | st.text("AZ09", min_size=36, max_size=60)}, optional=optional)
    )
    if asks == "return" or draw(st.booleans()):
        amount = draw(st.decimals("0.00001", 10**12, places=draw(st.sampled_from([0, 2, 5]))))
        columns |= {"amount": amount or Decimal(1), "currency": draw(st.sampled_from(["THB", "EUR"]))}
    if asks == "freeze" and draw(st.booleans()):
        columns["until"] = NOW + timedelta(days=3)
    fixed = {"reporter": "First Bank", "reported_at": NOW, "asks": asks, "of": f"bank-account:{value}"}
    basis = draw(st.sampled_from(["scheme-rules", "police-order"]))
    return Request.model_validate(
        {**fixed, **columns, "deadline": NOW + timedelta(hours=4), "legal_basis": basis, "payment": payment}
    )


def view_of(request: Request, role: str, *steps: RequestStep) -> dict[str, Any]:
    opened = RequestStep(RequestState.OPEN, NOW, "sender")
    view = RequestView(ID, role, "First Bank", request, "Second Bank", RequestState.OPEN, NOW, NOW, [opened, *steps])
    return view.written()


def named(message: Message) -> list[str]:
    """Return what is not carried, except for the names of agents that have no number here."""
    return [path for path in message.not_carried if not path.endswith("/FinInstnId/Nm")]


@settings(max_examples=examples(200), deadline=None)
@given(request=any_request())
def test_request_survives_the_round_trip(request: Request) -> None:
    (written,) = write(view_of(request, "addressee"), AGENTS)
    message = read(written.data, "First Bank", NOW, Defaults())
    (found,) = message.transactions
    assert isinstance(found, Asking)
    assert (named(message), written.not_carried) == ([], [])
    # Agents that a request does not have are those of its parties; an account without a scheme is written as BBAN.
    assert request.payment is not None
    assert found.request.payment is not None
    given = request.payment.model_dump(exclude_none=True)
    assert found.request.payment.model_dump(exclude_none=True).items() >= given.items()
    assert found.request.model_copy(update={"payment": request.payment}) == request


@settings(max_examples=examples(200), deadline=None)
@given(
    request=any_request(),
    state=st.sampled_from(["acknowledged", "agreed", "disagreed", "done"]),
    reason=st.sampled_from(["no-funds", "not-ours", "account-closed", "too-late", "other-order", "other"]),
    payment=st.fixed_dictionaries({"message_id": IDS}, optional={"settled_on": st.dates().map(str), "reason": CODES}),
)
def test_response_survives_the_round_trip(request: Request, state: str, reason: str, payment: dict[str, str]) -> None:
    step: dict[str, Any] = {"payment": payment}
    if state == "disagreed":
        payment.pop("reason", None)
        payment.pop("settled_on", None)
        step["reason"] = reason
    if state in ("agreed", "done") and request.amount is not None:
        step |= {"amount": "1", "currency": request.currency}
    if state == "acknowledged" or "amount" not in step:
        payment.pop("settled_on", None)
    told = RequestStep(state=RequestState(state), at=NOW, by="addressee", **step)
    (written,) = write(view_of(request, "sender", told), AGENTS)
    message = read(written.data, "Second Bank", NOW, Defaults())
    (found,) = message.transactions
    assert isinstance(found, Responding)
    assert named(message) == []
    last = found.steps[-1]
    assert last["state"] == state
    assert [last.get(name) for name in ("amount", "currency", "reason")] == [
        step.get(name) for name in ("amount", "currency", "reason")
    ]
    assert last["payment"].items() >= payment.items()
    assert {mark.name: mark.text for mark in found.marks}["case"] in (request.reference, ID.replace("-", ""))


def test_fields_that_no_request_has_are_named() -> None:
    more = "<Dbtr><Pty><Nm>Example Person</Nm></Pty></Dbtr>"
    more += "<DbtrAcct><Id><IBAN>DE89370400440532013000</IBAN></Id></DbtrAcct>"
    text = cancellation("A-1", transaction(debtor=more, info="<AddtlInf>please hurry</AddtlInf>"))
    message = read(text.encode(), "First Bank", timestamp.now(), Defaults())
    start = "/Document/FIToFIPmtCxlReq/Undrlyg/TxInf"
    assert message.not_carried == [
        f"{start}/CxlRsnInf/AddtlInf",
        f"{start}/OrgnlTxRef/Dbtr/Pty/Nm",
        f"{start}/OrgnlTxRef/DbtrAcct/Id/IBAN",
    ]
    assert "Example Person" not in repr(message)


def test_number_of_a_person_in_an_id_is_not_carried() -> None:
    text = cancellation("A-1", transaction(tx_id="1101700203450", end_to_end_id="NOTPROVIDED"))
    message = read(text.encode(), "First Bank", timestamp.now(), Defaults())
    assert [path.rpartition("/")[2] for path in message.not_carried] == ["OrgnlEndToEndId", "OrgnlTxId"]


def test_proprietary_reason_asks_for_a_freeze() -> None:
    more = "<CxlRsnInf><Rsn><Prtry>FREEZE</Prtry></Rsn></CxlRsnInf>"
    message = read(cancellation("A-1", transaction(more=more)).encode(), "First Bank", timestamp.now(), Defaults())
    (found,) = message.transactions
    assert isinstance(found, Asking)
    assert found.request.payment is not None
    assert (found.request.asks, found.request.payment.reason) == ("freeze", "FRAD")


def test_bad_transaction_stops_no_other() -> None:
    bad = transaction(account="<IBAN>DE00370400440532013000</IBAN>")
    text = cancellation("A-1", transaction(), bad, transaction(amount=None))
    message = read(text.encode(), "First Bank", timestamp.now(), Defaults())
    first, second, third = message.transactions
    assert isinstance(first, Asking)
    assert isinstance(second, UnreadTransaction)
    assert isinstance(third, UnreadTransaction)
    assert isinstance(second.refusal, MessageRefused)
    assert second.refusal.path.endswith("TxInf[2]/OrgnlTxRef/CdtrAcct")
    assert third.refusal.reason == "no-amount"


@pytest.mark.parametrize(("name", "value"), [("asks", "trace"), ("of", "wallet:1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa")])
def test_request_that_no_message_can_say_is_refused(name: str, value: str) -> None:
    fixed = {
        "reporter": "First Bank",
        "reported_at": NOW,
        "asks": "return",
        "of": "bank-account:TH:KASITHBK:1234567890",
    }
    more = {"reference": "C-1", "amount": "1", "currency": "THB", "deadline": NOW, "legal_basis": "statute"}
    request = Request.model_validate({**fixed, **more, name: value})
    with pytest.raises(MessageRefused, match="not-writable"):
        list(write(view_of(request, "addressee"), AGENTS))


def test_document_in_an_envelope_is_read_and_the_header_named() -> None:
    header = '<AppHdr xmlns="urn:iso:std:iso:20022:tech:xsd:head.001.001.02"><BizMsgIdr>A-1</BizMsgIdr></AppHdr>'
    text = f"<Envelope>{header}{cancellation()}</Envelope>"
    message = read(text.encode(), "First Bank", timestamp.now(), Defaults())
    assert (message.name, message.not_carried) == ("camt.056.001.08", ["/*"])


@pytest.mark.parametrize("created", ["9999-12-31T23:59:59Z", "1969-01-01T00:00:00Z", "-0001-01-01T00:00:00Z"])
def test_time_outside_the_calendar_is_refused(created: str) -> None:
    with pytest.raises(MessageRefused) as refused:
        read(cancellation(created=created).encode(), "First Bank", timestamp.now(), Defaults())
    assert refused.value.path == "/Document/FIToFIPmtCxlReq/Assgnmt/CreDtTm"
