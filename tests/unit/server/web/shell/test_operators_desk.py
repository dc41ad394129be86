"""The operator's desk: disputes, objections, requests, questions and referrals, listed, shown and decided."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from server.app import close, create_app
from server.features.objections import decide as deciding, records as objections
from server.features.objections.records import Objection
from server.features.requests import records as requests
from server.release.query.lookup import lookup
from server.settings import Settings
from server.store import Store, audit
from server.store.database.times import now
from server.store.operators import users
from server.store.operators.users import OperatorRole
from server.store.proposals import proposals
from server.store.referrals import referrals
from tests.operators_desk import DISPUTED, DOUBTER, HIDDEN, INSTITUTION, OBJECTED, REPORTER, fill
from tests.unit.server.release.hubs import hub_on
from tests.unit.server.web.shell.people import Visitor, visitor_of

PAGES = (
    *("/console/", "/console/reviews", "/console/disputes", "/console/objections", "/console/objections?show=ended"),
    *("/console/requests", "/console/requests?show=unaddressed", "/console/requests?show=closed"),
    *(
        "/console/questions",
        "/console/referrals",
        "/console/referrals?show=all",
        "/console/proposals",
        "/console/proposals?show=ended",
    ),
)


@pytest.fixture(scope="module")
def filled_store(initial_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fill a store once, and give each test a copy."""
    file = Path(shutil.copy(initial_store, tmp_path_factory.mktemp("desk") / "hub.db"))
    store = Store.open(f"sqlite:///{file}")
    fill(hub_on(store))
    store.close()
    return file


@pytest.fixture
def app(filled_store: Path, tmp_path: Path) -> Iterator[Flask]:
    copy = shutil.copy(filled_store, tmp_path / "hub.db")
    made = create_app(Settings(database_url=f"sqlite:///{copy}", access_log="off", background=False))
    yield made
    close(made)


@pytest.fixture
def filled(store: Store) -> Store:
    return store


@pytest.fixture
def analyst(app: Flask, filled: Store) -> Visitor:
    return visitor_of(app, OperatorRole.ANALYST)


def is_listed(store: Store, value: str) -> bool:
    with store.read() as tx:
        return any(not listing.get("revoked") for found in lookup(tx, value) for listing in found.listings)


def test_every_list_shows_pending_items_on_either_database(either_app: Flask) -> None:
    store: Store = either_app.extensions["scamfeed-store"]
    fill(hub_on(store))
    visitor = visitor_of(either_app, OperatorRole.VIEWER)
    pages = {path: visitor.get(path) for path in PAGES}
    assert {path: answer.status_code for path, answer in pages.items() if answer.status_code != 200} == {}
    assert DISPUTED in pages["/console/disputes"].text
    objected = pages["/console/objections"].text
    assert objected.index("o-late") < objected.index("o-listed")
    assert HIDDEN not in objected
    assert "C-1" in pages["/console/requests"].text
    unaddressed = pages["/console/requests?show=unaddressed"].text
    assert "C-2" in unaddressed
    assert "C-1" not in unaddressed
    questions = pages["/console/questions"].text
    assert "Which page shows the shop?" in questions
    assert f"<dd>{DISPUTED}<br>" in questions
    assert "0 of 1" in questions
    assert "indicator--" not in questions + pages["/console/referrals"].text
    assert f"{DISPUTED}<br>" in pages["/console/referrals"].text
    work = re.findall(r'class="count">(\d+)</span> <a href="(/console/[^"]+)"', pages["/console/"].text)
    assert [(path, int(number)) for number, path in work][:2] == [("/console/objections", 2), ("/console/requests", 2)]
    assert {path: int(number) for number, path in work} == {
        **{"/console/disputes": 1, "/console/objections": 2, "/console/requests": 2, "/console/questions": 1},
        **{"/console/requests?show=unaddressed": 1, "/console/referrals": 1},
    }
    assert "1 overdue" in pages["/console/"].text
    after = "?after=99999999999999999~x"
    assert all(visitor.get(f"/console/{name}{after}").status_code == 200 for name in ("objections", "requests"))


def test_malformed_address_shows_the_first_page(analyst: Visitor) -> None:
    for name in ("reviews", "disputes", "objections", "requests", "questions"):
        for after in ("x", "1", "1~", "~x", "-1~x", "9" * 30 + "~x", "²3~x"):
            assert analyst.get(f"/console/{name}?after={after}").status_code == 200, (name, after)


def test_text_invalid_for_postgresql_is_refused_before_a_search(analyst: Visitor) -> None:
    for path in ("review/%00", "requests/%00", "reviews?rule=%00", "audit?before=1.%00.5", "receipts?partner=%00"):
        assert analyst.get(f"/console/{path}").status_code == 404, path
    assert analyst.send("/console/reviews/preview", "/console/reviews", decision="approve", id="\0").status_code == 400


def test_clearing_an_objection_ends_everything_about_the_value(analyst: Visitor, filled: Store) -> None:
    page = "/console/objections/o-listed"
    assert "o-late" in analyst.get(page).text
    answer = analyst.send(f"{page}/decide", page, decision="clear")
    assert "Reports retracted" in answer.text
    assert not is_listed(filled, OBJECTED)
    with filled.read() as tx:
        assert {objections.find(tx, id_).answer for id_ in ("o-listed", "o-late")} == {"cleared"}
        assert objections.find(tx, "o-listed").decided_by == analyst.name
    assert analyst.send(f"{page}/decide", "/me", decision="clear").status_code == 409


def test_listing_is_upheld_with_a_reason(analyst: Visitor, filled: Store) -> None:
    page = "/console/objections/o-listed"
    assert analyst.send(f"{page}/decide", page, decision="uphold").status_code == 422
    assert analyst.send(f"{page}/decide", page, decision="x", reason="other").status_code == 422
    analyst.send(f"{page}/decide", page, decision="uphold", reason="keeper-confirms")
    assert is_listed(filled, OBJECTED)
    with filled.read() as tx:
        assert objections.find(tx, "o-listed")[11:13] == ("stays", "keeper-confirms")


def test_objection_ended_by_the_hub_names_the_reason(analyst: Visitor, filled: Store) -> None:
    with filled.begin() as tx:
        objections.add(
            tx, Objection("o-over", "domain", "own-business", None, None, now(), now()), [f"domain:{HIDDEN}"]
        )
    hub = hub_on(filled)
    deciding.route_new(hub)
    assert deciding.close_due(hub) == 1
    assert "the hub, because nothing was listed" in analyst.get("/console/objections/o-over?lang=en").text


def test_clearing_a_widely_read_value_needs_two_persons(
    app: Flask, filled: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = visitor_of(app, OperatorRole.ANALYST), visitor_of(app, OperatorRole.APPROVER)
    monkeypatch.setattr("server.features.reports.delistings.Readership.is_more_than", lambda *_: True)
    page = "/console/objections/o-listed"
    assert "Proposed" in first.send(f"{page}/decide", page, decision="clear").text
    assert is_listed(filled, OBJECTED)
    with filled.read() as tx:
        [made] = proposals.all_proposals(tx)
    address = f"/console/proposals/{made.id}"
    assert OBJECTED in second.get(address).text
    assert "ถอนออกจากทุกที่" in second.get(f"{address}?lang=th").text
    second.send(f"{address}/confirm", address)
    assert not is_listed(filled, OBJECTED)


def test_request_without_an_addressee_is_assigned_once(analyst: Visitor, filled: Store) -> None:
    with filled.read() as tx:
        [found] = requests.by_deadline(tx, ["open"], unaddressed=True, most=9)
    page = f"/console/requests/{found.id}"
    assert analyst.send(f"{page}/assign", page, to="No Such Bank").status_code == 409
    assert analyst.send(f"{page}/assign", page, to=INSTITUTION).status_code == 303
    with filled.read() as tx:
        assert requests.find(tx, [found.id])[found.id].addressee == INSTITUTION
    assert analyst.send(f"{page}/assign", "/me", to=INSTITUTION).status_code == 409


def test_dispute_is_shown_and_its_reporters_are_questioned(analyst: Visitor, filled: Store) -> None:
    [address] = re.findall(r'href="(/console/review/[^"]+)"', analyst.get("/console/disputes").text)
    page = analyst.get(address).text
    assert DOUBTER in page
    assert analyst.send(f"{address}/ask", address, question="What do you know of it?").status_code == 303
    assert "What do you know of it?" in analyst.get("/console/questions").text
    assert REPORTER in analyst.get("/console/questions").text
    analyst.send(f"{address}/ask", address, question="<script>alert(1)</script>")
    assert "<script>alert" not in analyst.get("/console/questions").text
    for wrong in ("", "x" * 1_500, "call 4111 1111 1111 1111"):
        assert analyst.send(f"{address}/ask", address, question=wrong).status_code == 422


def test_referral_is_answered_with_one_word(analyst: Visitor, filled: Store) -> None:
    with filled.read() as tx:
        [found] = referrals.all_referrals(tx)
    page = f"/console/referrals/{found.id}/answer"
    assert analyst.send(page, "/console/referrals", answer="x").status_code == 422
    analyst.send(page, "/console/referrals", answer="accepted")
    with filled.read() as tx:
        assert referrals.all_referrals(tx) == []
        assert ("ANSWER", found.id) in {(entry.event.method, entry.event.reference) for entry in audit.tail(tx, 9)}


def test_absent_items_are_not_found(analyst: Visitor) -> None:
    for path in ("/console/objections/x", "/console/requests/x", "/console/review/x", "/console/proposals/x"):
        assert analyst.get(path).status_code == 404
    for path in ("/console/objections/x/decide", "/console/requests/x/assign", "/console/referrals/x/answer"):
        given = {"decision": "clear", "to": INSTITUTION, "answer": "accepted"}
        assert analyst.send(path, "/me", **given).status_code == 404


def test_viewer_sees_everything_without_decision_forms(app: Flask, filled: Store) -> None:
    viewer = visitor_of(app, OperatorRole.VIEWER)
    for path in (*PAGES, "/console/objections/o-listed"):
        assert not re.search(r'<form[^>]*action="[^"]*(decide|assign|answer|ask)"', viewer.get(path).text), path


def test_erasure_is_proposed_by_a_form_without_its_value_in_an_address(app: Flask, filled: Store) -> None:
    first, second = visitor_of(app, OperatorRole.ANALYST), visitor_of(app, OperatorRole.APPROVER)
    for wrong in (
        {"value": OBJECTED},
        {"value": OBJECTED, "reason": OBJECTED},
        {"value": "unknown.example", "reason": "x"},
    ):
        answer = first.send("/console/erase", **wrong)
        assert (answer.status_code, OBJECTED in answer.text) == (422, False)
    address = first.send("/console/erase", value=OBJECTED, reason="a court asks for it").headers["Location"]
    page = second.get(f"{address}?lang=th").text
    assert OBJECTED in page
    assert "เหตุผล: a court asks for it" in page
    second.send(f"{address}/confirm", address)
    assert not is_listed(filled, OBJECTED)
    assert OBJECTED not in second.get(address).text


def test_value_is_delisted_after_a_preview(app: Flask, filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = visitor_of(app, OperatorRole.ANALYST), visitor_of(app, OperatorRole.APPROVER)
    assert first.send("/console/retract", value="unknown.example.org").status_code == 404
    shown = first.send("/console/retract", value=OBJECTED).text
    assert "takedown" in shown
    assert is_listed(filled, OBJECTED)
    assert first.send("/console/retract", value=OBJECTED, step="do", reporters="7").status_code == 409
    first.send("/console/retract", value=OBJECTED, step="do", reporters="1")
    assert not is_listed(filled, OBJECTED)
    monkeypatch.setattr("server.features.reports.delistings.Readership.is_more_than", lambda *_: True)
    address = first.send("/console/retract", value=DISPUTED, step="do", reporters="1").headers["Location"]
    assert DISPUTED in second.get(address).text
    second.send(f"{address}/confirm", address)
    with filled.read() as tx:
        assert proposals.find(tx, address.rpartition("/")[2]).state == "confirmed"
    assert first.send("/console/retract", value=DISPUTED).status_code == 404


def test_administrator_is_added_under_dual_control_and_the_link_shown_once(app: Flask, store: Store) -> None:
    first, second = (visitor_of(app, OperatorRole.ADMIN, name=name) for name in ("Anong", "Boon"))
    lower = visitor_of(app, OperatorRole.APPROVER)
    assert first.send("/console/people/add", "/console/people", name="", role="admin").status_code == 422
    address = first.send("/console/people/add", "/console/people", name="Chai", role="admin").headers["Location"]
    assert "Chai" in second.get(address).text
    # The confirming person sees the link, and could use it.
    assert "/confirm" not in lower.get(address).text
    assert lower.send(f"{address}/confirm", address).status_code == 403
    answer = second.send(f"{address}/confirm", address)
    [link] = re.findall(r"/welcome/[\w-]+", answer.text)
    assert answer.headers["Cache-Control"] == "no-store"
    assert "/welcome/" not in second.get(address).text
    with store.read() as tx:
        assert users.of_link(tx, link.removeprefix("/welcome/")).role == OperatorRole.ADMIN
