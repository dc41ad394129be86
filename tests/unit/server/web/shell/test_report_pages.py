"""A report by hand: what the form understands, refuses and names, and what it never tells of others."""

import pytest
from flask import Flask

from server.release.guard.allowlists import entered
from server.store import Store, audit_search, collections, inbox, partners
from server.store.allowlist import entries
from server.store.audit_search import TrailFilter
from server.store.operators.users import PartnerRole
from server.web.shell import site
from tests.unit.server.web.shell.people import Visitor, token_of, visitor_of

_ACCOUNT = {"value": "123-4-56789-0", "bank": "KASITHBK", "country": "TH"}


@pytest.fixture
def checks_a_minute(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the limit before the application opens."""
    monkeypatch.setattr(site, "_CHECKS_PER_MINUTE", getattr(request, "param", 60))


@pytest.fixture(autouse=True)
def _writers(checks_a_minute: None, store: Store) -> None:
    with store.begin() as tx:
        for name in ("First Bank", "Second Bank"):
            collections.grant(tx, name, collections.get(tx, "inbox"), write=True)


@pytest.fixture
def writer(app: Flask) -> Visitor:
    return visitor_of(app, PartnerRole.WRITER, "First Bank")


def _check(visitor: Visitor, **fields: str) -> str:
    """Return the part of the page that tells how a report is understood."""
    fields |= {"token": token_of(visitor.get("/partner/report").text)}
    answer = visitor.client.post("/partner/report/check", data=fields, headers={"HX-Request": "true"})
    assert "<html" not in answer.text
    assert answer.status_code == 200
    return answer.text


def _stored(store: Store, by: str = "First Bank") -> int:
    with store.read() as tx:
        found, _ = audit_search.search(tx, TrailFilter(method="CONTRIBUTE"))
        return sum(entry.event.partner == by for entry in found)


def test_an_account_is_understood_with_its_bank(writer: Visitor, store: Store) -> None:
    shown = _check(writer, **_ACCOUNT)
    assert "TH:KASITHBK:1234567890" in shown
    assert "Kasikornbank" in shown
    assert "Send the report" in shown
    assert _stored(store) == 0


def test_a_local_number_is_a_telephone_number_unless_a_bank_is_chosen(writer: Visitor) -> None:
    shown = _check(writer, value="081-234-5678")
    assert "+66812345678" in shown
    assert "choose its bank in the form" in shown
    assert "TH:KASITHBK:0812345678" in _check(writer, value="081-234-5678", bank="KASITHBK")
    assert "choose the bank" in _check(writer, value="1234567890")


def test_a_number_that_may_be_two_kinds_is_asked_about(writer: Visitor) -> None:
    shown = _check(writer, value="com.easy.app")
    assert "Choose the type" in shown
    assert "Send the report" not in shown
    assert "Send the report" in _check(writer, value="com.easy.app", kind="app", os="android")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"value": "1234567890", "kind": "bank-account"}, "bank"),
        ({"value": "nothing at all"}, "cannot be sent"),
        ({"value": ""}, "write the account"),
        ({"value": "shop.example.com", "hold_amount": "100", "hold_currency": "THB"}, "can be held of an account"),
        ({**_ACCOUNT, "hold_amount": "a lot", "hold_currency": "THB", "hold_days": "3"}, "cannot be sent"),
        ({**_ACCOUNT, "first_seen": "yesterday"}, "cannot be sent"),
        ({"value": "shop.example.com", "description": "victim Somchai, 081-234-5678"}, "cannot be sent"),
        ({"value": "shop.example.com", "kind": "planet"}, "cannot be sent"),
        ({"value": "shop.example.com", "tlp": "purple"}, "cannot be sent"),
    ],
)
def test_wrong_fields_are_refused_and_kept(writer: Visitor, store: Store, fields: dict[str, str], said: str) -> None:
    answer = writer.send("/partner/report/send", "/partner/report", **fields)
    assert answer.status_code == 422
    assert said in answer.text
    assert all(f'value="{text}"' in answer.text for name, text in fields.items() if name == "value" and text)
    assert _stored(store) == 0


def test_a_hold_ends_the_report(writer: Visitor, store: Store) -> None:
    hold = {"hold_amount": "15000.00", "hold_currency": "THB", "hold_days": "3", "first_seen": "2026-01-31"}
    answer = writer.send("/partner/report/send", "/partner/report", **_ACCOUNT, **hold)
    assert answer.status_code == 200, answer.text
    assert "indicator--" in answer.text


def test_amount_that_the_victim_paid_is_shown_and_sent(writer: Visitor, store: Store) -> None:
    given = {**_ACCOUNT, "paid_amount": "15,000", "first_seen": "2026-01-31"}
    assert "15000 THB" in _check(writer, **given)
    answer = writer.send("/partner/report/send", "/partner/report", **given)
    [id_] = {word for word in answer.text.replace("<", " ").replace(">", " ").split() if word.startswith("indicator--")}
    with store.read() as tx:
        stored = inbox.of_partner(tx, partners.space(tx, "First Bank"), [id_])[id_]
    assert b'"paid":{"amount":"15000","currency":"THB"}' in stored.body.replace(b" ", b"")
    assert "give the amount in digits" in _check(writer, **{**given, "paid_amount": "a lot"})


def test_the_same_report_twice_is_one(writer: Visitor, store: Store) -> None:
    first = writer.send("/partner/report/send", "/partner/report", **_ACCOUNT)
    [id_] = {word for word in first.text.replace("<", " ").replace(">", " ").split() if word.startswith("indicator--")}
    with store.read() as tx:
        before = inbox.of_partner(tx, partners.space(tx, "First Bank"), [id_])
    assert id_ in writer.send("/partner/report/send", "/partner/report", **_ACCOUNT).text
    with store.read() as tx:
        assert inbox.of_partner(tx, partners.space(tx, "First Bank"), [id_]) == before
    assert "has reported this value already" in _check(writer, **_ACCOUNT)


def test_one_report_has_one_entry_in_the_audit_trail(writer: Visitor, store: Store) -> None:
    writer.send("/partner/report/send", "/partner/report", **_ACCOUNT)
    with store.read() as tx:
        [entry], _ = audit_search.search(tx, TrailFilter(method="CONTRIBUTE"))
    assert (entry.event.partner, entry.event.remote) == ("First Bank", writer.name)


def test_a_value_that_others_report_is_told_as_an_unknown_one(app: Flask, writer: Visitor, store: Store) -> None:
    other = visitor_of(app, PartnerRole.WRITER, "Second Bank")
    other.send("/partner/report/send", "/partner/report", **_ACCOUNT)
    assert _stored(store, "Second Bank") == 1
    known, unknown = _check(writer, **_ACCOUNT), _check(writer, **_ACCOUNT | {"value": "234-5-67890-1"})
    assert known.replace("1234567890", "2345678901") == unknown


def test_a_harmless_value_is_named_before_it_is_sent(writer: Visitor, store: Store) -> None:
    with store.begin() as tx:
        entries.put(tx, entered.entry_of("domain:kind-shop.example.com", "a shop", "test"))
    shown = _check(writer, value="kind-shop.example.com")
    assert "Protected value" in shown
    assert "Send the report" in shown
    answer = writer.send("/partner/report/send", "/partner/report", value="kind-shop.example.com")
    assert "A person at this hub reviews your report" in answer.text


@pytest.mark.parametrize("checks_a_minute", [1], indirect=True)
def test_checks_are_limited_by_person(writer: Visitor) -> None:
    answers = [writer.send("/partner/report/check", "/partner/report", **_ACCOUNT).status_code for _ in range(3)]
    assert (answers[0], answers[-1]) == (200, 429)


def test_a_partner_without_the_right_to_write_is_told_so(app: Flask, store: Store) -> None:
    with store.begin() as tx:
        collections.revoke(tx, "First Bank", collections.get(tx, "inbox"))
    answer = visitor_of(app, PartnerRole.WRITER, "First Bank").send(
        "/partner/report/send", "/partner/report", **_ACCOUNT
    )
    assert answer.status_code == 403
    assert "may not send this to the hub" in answer.text


@pytest.mark.parametrize(("role", "status"), [(PartnerRole.READER, 403), (PartnerRole.ADMIN, 200)])
def test_readers_have_no_form(app: Flask, role: PartnerRole, status: int) -> None:
    assert visitor_of(app, role, "First Bank").get("/partner/report").status_code == status
