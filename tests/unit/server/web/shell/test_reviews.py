"""The review queue: pending reports, previews of decisions, and dual control by different persons."""

import re
from collections.abc import Sequence
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import update

from mappers import ids
from mappers.indicator import to_stix
from schemas import timestamp
from schemas.partner import Partner, PartnerKind
from schemas.request import Request
from schemas.tabular import ReportReader
from server.features.requests import desk
from server.release.contribute import contribute
from server.release.hub import Hub
from server.release.query.lookup import lookup
from server.store import Store, inbox, partners, reviews
from server.store.item import Item
from server.store.operators import tables, users
from server.store.operators.users import OperatorRole
from server.store.proposals import proposals
from server.store.reviews import HeldObject
from tests.unit.server.web.shell.people import Visitor, token_of, visitor_of

HOSTILE = "<script>alert(1)</script>"


def held(
    store: Store, partner: str, values: Sequence[str], rule: str = "unusual-volume", kind: str = "domain"
) -> list[str]:
    """Let a partner report values that a rule holds, and return the ids of the reviews."""
    given = {"reporter": partner, "kind": kind, "tlp": "green", "reported_at": timestamp.text(timestamp.now())}
    reader = ReportReader(given)
    with store.begin() as tx:
        contributor, space = partners.get(tx, partner), partners.space(tx, partner)
        objects = [to_stix(reader.report({"value": value})) for value in values]
        keys = [inbox.key(space, obj["id"]) for found in objects for obj in found if obj["type"] == "indicator"]
        reviews.hold(tx, partner, [HeldObject(key, None, rule, "held by a test") for key in keys])
        contribute(Hub(store), tx, contributor, [Item.of(obj) for found in objects for obj in found])
    return keys


def grades(store: Store, value: str) -> list[str]:
    with store.read() as tx:
        return [listing["id"] for found in lookup(tx, value) for listing in found.listings if not listing["revoked"]]


def preview(visitor: Visitor, chosen: Sequence[str], decision: str) -> str:
    token = token_of(visitor.get("/console/reviews").text)
    answer = visitor.client.post("/console/reviews/preview", data={"token": token, "id": chosen, "decision": decision})
    assert answer.status_code == 200, answer.text
    return answer.text


def decide(visitor: Visitor, page: str, chosen: Sequence[str], decision: str, note: str = "") -> str:
    basis = re.findall(r'name="basis" value="([^"]+)"', page)
    fields = {"token": token_of(page), "id": chosen, "decision": decision, "basis": basis, "note": note}
    return visitor.client.post("/console/reviews/decide", data=fields).text


@pytest.fixture
def analyst(app: Flask) -> Visitor:
    return visitor_of(app, OperatorRole.ANALYST)


def test_preview_shows_effects_and_changes_nothing(analyst: Visitor, store: Store) -> None:
    chosen = held(store, "First Bank", ["a.example.com", "b.example.com"])
    page = preview(analyst, chosen, "approve")
    assert "a.example.com" in page
    assert "Listings that change: 2." in page
    with store.read() as tx:
        assert reviews.count(tx) == 2
    decide(analyst, page, chosen, "approve", "seen")
    with store.read() as tx:
        [one, other] = reviews.states(tx, chosen).values()
    assert (one.state, other.decided_by, one.note) == ("approved", analyst.name, "seen")


def test_rejected_report_stays_unpublished(analyst: Visitor, store: Store) -> None:
    chosen = held(store, "First Bank", ["a.example.com"])
    decide(analyst, preview(analyst, chosen, "reject"), chosen, "reject")
    with store.read() as tx:
        assert reviews.states(tx, chosen)[chosen[0]].state == "rejected"


def test_outdated_page_decides_nothing(analyst: Visitor, store: Store) -> None:
    chosen = held(store, "First Bank", ["a.example.com"])
    page = preview(analyst, chosen, "approve")
    decide(analyst, page, chosen, "reject")
    assert "decided in the meantime" in decide(analyst, page, chosen, "approve")


def test_report_with_authority_needs_two_different_persons(app: Flask, store: Store) -> None:
    with store.begin() as tx:
        given = {"name": "Police", "kind": PartnerKind.GOVERNMENT, "identity": ids.identity("Police")}
        partners.add(tx, Partner(**given, authority=frozenset(("domain",))))
    chosen = held(store, "Police", ["seized.example.com"])
    first, second = visitor_of(app, OperatorRole.APPROVER), visitor_of(app, OperatorRole.APPROVER, name="Another")
    page = preview(first, chosen, "approve")
    assert "two persons" in page
    assert "Proposed" in decide(first, page, chosen, "approve")
    with store.read() as tx:
        [proposal] = proposals.all_proposals(tx)
        assert reviews.count(tx) == 1
    address = f"/console/proposals/{proposal.id}"
    assert first.send(f"{address}/confirm", "/me").status_code == 409
    assert second.send(f"{address}/withdraw", "/me").status_code == 409
    listed = {
        show: [proposal.id in visitor.get(f"/console/proposals?show={show}").text for visitor in (first, second)]
        for show in ("", "own", "for-me", "ended")
    }
    assert listed == {"": [True, True], "own": [True, False], "for-me": [False, True], "ended": [False, False]}
    assert "/withdraw" in first.get(address).text
    viewer, analyst = visitor_of(app, OperatorRole.VIEWER), visitor_of(app, OperatorRole.ANALYST)
    assert viewer.send(f"{address}/confirm", "/me").status_code == 403
    assert analyst.send(f"{address}/confirm", "/me").status_code == 403
    assert viewer.send(f"{address}/reject", "/me").status_code == 403
    assert "seized.example.com" in second.get(f"/console/review/{chosen[0]}").text
    assert "seized.example.com" in second.get(address).text
    [about] = re.findall(r'href="(/console/review/[^"]+)"', second.get(address).text)
    assert second.get(about).status_code == 200
    # A second account of the first person, or one whose link the first person saw, does not count.
    for email, shown_to, text in (("b@hub.example", first.name, "7"), ("a@hub.example", "test", "")):
        know(store, first, "a@hub.example")
        know(store, second, email, shown_to)
        assert "/confirm" not in second.get(f"{address}?lang=th").text
        refused = second.send(f"{address}/confirm", "/me")
        assert refused.status_code == 409
        assert ("นับเป็นบุคคลเดียวกัน" in refused.text, text in refused.text) == (True, True)
    # A new address for one account does not turn them into different persons.
    know(store, second, "b@hub.example")
    assert second.send(f"{address}/confirm", "/me").status_code == 409
    third = visitor_of(app, OperatorRole.APPROVER, name="Third")
    know(store, third, "c@hub.example")
    assert third.send(f"{address}/confirm", f"{address}?lang=en").headers["Location"] == address
    with store.read() as tx:
        assert reviews.states(tx, chosen)[chosen[0]].state == "approved"
        assert proposals.find(tx, proposal.id).decided_by == "Third"
    assert proposal.id in first.get("/console/proposals?show=ended").text


def know(store: Store, visitor: Visitor, email: str, shown_to: str = "test") -> None:
    """Set a person's address, and the accounts that saw the person's link."""
    with store.begin() as tx:
        users.set_email(tx, visitor.name, email)
        tx.execute(update(tables.users).where(tables.users.c.name == visitor.name).values(link_shown_to=shown_to))


def test_confirming_needs_a_fresh_login_after_a_while(app: Flask, store: Store) -> None:
    visitor = visitor_of(app, OperatorRole.APPROVER)
    with store.begin() as tx:
        tx.exec_driver_sql("UPDATE sessions SET proven = proven - 601000000")
    answer = visitor.send("/console/proposals/x/confirm", "/me")
    assert answer.headers["Location"].startswith("/login/again")


def test_values_and_notes_of_partners_are_text_and_never_markup(app: Flask, store: Store) -> None:
    visitor = visitor_of(app, OperatorRole.ANALYST)
    with store.begin() as tx:
        name = f"Bank {HOSTILE}"
        partners.add(tx, Partner(name=name, kind=PartnerKind.BANK, identity=ids.identity(name)))
    chosen = held(store, name, ["a.example.com"], rule=HOSTILE)
    for page in (
        visitor.get("/console/reviews").text,
        visitor.get(f"/console/reviews?rule={HOSTILE}&partner={HOSTILE}&after=1~{HOSTILE}").text,
        visitor.get(f"/console/review/{chosen[0]}").text,
        preview(visitor, chosen, "approve"),
        decide(visitor, preview(visitor, chosen, "reject"), chosen, "reject", HOSTILE),
        visitor.get(f"/console/review/{chosen[0]}").text,
        visitor.get("/console/").text,
    ):
        assert HOSTILE not in page
        assert "alert(1)" not in page or "&lt;script&gt;" in page


def test_long_queue_is_paged_without_losses(analyst: Visitor, store: Store) -> None:
    chosen = held(store, "First Bank", [f"h{number}.example.com" for number in range(120)])
    address, found = "/console/reviews", []
    while address:
        page = analyst.get(address).text
        found += re.findall(r'name="id" value="([^"]+)"', page)
        following = re.findall(r'class="button quiet" href="([^"]+)"', page)
        address = following[0].replace("&amp;", "&") if following else ""
    assert sorted(found) == sorted(chosen)


@pytest.mark.parametrize("fields", [{"decision": "approve"}, {"decision": "x", "id": "x"}, {"id": ["x"] * 3}])
def test_malformed_form_is_refused(analyst: Visitor, fields: dict[str, str]) -> None:
    assert analyst.send("/console/reviews/preview", "/console/", **fields).status_code in (404, 422)


def freeze(store: Store, account: str) -> None:
    """Let the police freeze the money of an account."""
    at = timestamp.now()
    with store.begin() as tx:
        bank = {"name": "Keeping Bank", "kind": PartnerKind.BANK, "identity": ids.identity("Keeping Bank")}
        police = {"name": "Police", "kind": PartnerKind.GOVERNMENT, "identity": ids.identity("Police")}
        partners.add(tx, Partner(**bank, institutions=("KASITHBK",)))
        partners.add(tx, Partner(**police, authority=("bank-account",)))
        asked = {"reporter": "Police", "reported_at": at, "asks": "freeze", "of": f"bank-account:{account}"}
        more = {"reference": "C-1", "deadline": at + timedelta(hours=1), "until": at + timedelta(hours=9)}
        request = Request.model_validate({**asked, **more, "legal_basis": "police-order"})
        desk.send(Hub(store), tx, partners.get(tx, "Police"), request)


@pytest.mark.parametrize("decision", ["approve", "reject"])
def test_bulk_decision_skips_police_holds_and_a_single_one_decides_them(
    analyst: Visitor, store: Store, decision: str
) -> None:
    accounts = [f"TH:KASITHBK:123456789{digit}" for digit in range(3)]
    chosen = held(store, "First Bank", accounts, kind="bank-account")
    freeze(store, accounts[0])
    before = preview(analyst, chosen[1:], decision)
    page = preview(analyst, chosen, decision)
    assert "police hold the money: 1" in page
    assert f'value="{chosen[0]}"' not in page
    # A form that names it anyway, with the state of its single page.
    alone = preview(analyst, chosen[:1], decision)
    done = decide(analyst, before + alone, chosen, decision)
    assert "police hold the money: 1" in done
    with store.read() as tx:
        states = [reviews.states(tx, chosen)[id_].state for id_ in chosen]
    assert states == ["open", *[f"{decision}{'d' if decision == 'approve' else 'ed'}"] * 2]
    assert "police hold" not in alone
    decide(analyst, alone, chosen[:1], decision)
    with store.read() as tx:
        assert reviews.states(tx, chosen)[chosen[0]].state == states[1]
