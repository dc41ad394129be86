"""The pages of a partner's users show its own reports and addresses, and nothing of another partner."""

from flask import Flask

from server.store import Store
from server.store.operators.users import OperatorRole, PartnerRole
from tests.unit.server.web.shell.people import visitor_of
from tests.unit.server.web.shell.test_reviews import decide, held, preview


def test_partner_sees_results_of_its_own_reports_only(app: Flask, store: Store) -> None:
    chosen = held(store, "First Bank", ["first.example.com"])
    analyst = visitor_of(app, OperatorRole.ANALYST)
    decide(analyst, preview(analyst, chosen, "approve"), chosen, "approve")
    own = visitor_of(app, PartnerRole.READER, "First Bank").get("/partner/").text
    assert "first.example.com" in own
    assert "Released" in own
    other = visitor_of(app, PartnerRole.READER, "Second Bank")
    assert "first.example.com" not in other.get("/partner/").text
    assert "First Bank" not in other.get("/partner/").text + other.get("/partner/connection").text


def test_partner_sees_its_own_addresses(app: Flask) -> None:
    page = visitor_of(app, PartnerRole.WRITER, "Second Bank").get("/partner/connection").text
    assert "http://localhost/taxii2/" in page
    assert "http://localhost/feed/collections/" in page


def test_operator_finds_acts_with_their_actors_in_the_audit_trail(app: Flask) -> None:
    analyst = visitor_of(app, OperatorRole.ANALYST, name="Nok P.")
    page = analyst.get("/console/audit?by=Nok P.&method=LOGIN").text
    assert page.count(">Nok P.</td>") == 1
    assert ">Nok P.</td>" not in analyst.get("/console/audit?by=Nok P.&method=APPROVE").text
    for wrong in ("x", "1.x", "1.requests.x", "9" * 40 + ".requests.1"):
        assert analyst.get(f"/console/audit?before={wrong}").status_code == 200


def test_the_partners_are_listed_for_operators(app: Flask) -> None:
    page = visitor_of(app, OperatorRole.VIEWER).get("/console/partners").text
    assert "First Bank" in page
    assert "Second Bank" in page
