"""Proof of notice on the pages: a signed file about the partner itself, or for an operator about any partner."""

import json
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from schemas.tlog.signatures import public_keys_of, verified
from server import signing_keys
from server.settings import Settings
from server.store import Store, collections
from server.store.operators.users import OperatorRole, PartnerRole
from tests.browser.hub import report
from tests.unit.server.web.shell.people import visitor_of

LISTED = "parcel-refund.example.com"


def stated(store: Store, answer: TestResponse) -> dict[str, Any]:
    """Return the statement in a file, after verifying its signature."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Disposition"] == 'attachment; filename="notice.json"'
    keys = signing_keys.load(Settings(database_url=store.url))
    return dict(verified(json.loads(answer.data), public_keys_of("".join(keys.public_keys)))[0])


def test_partner_gets_only_its_own_statement(app: Flask, store: Store) -> None:
    with store.begin() as tx:
        collections.grant(tx, "First Bank", collections.get(tx, "takedown"), read=True)
    report(store, "Second Bank", LISTED)
    visitor = visitor_of(app, PartnerRole.READER, "First Bank")
    sent = {"value": LISTED, "form": "json", "partner": "Second Bank"}
    found = stated(store, visitor.send("/partner/notice/file", "/partner/notice", **sent))
    assert found["partner"]["name"] == "First Bank"
    assert found["published"]
    unknown = stated(store, visitor.send("/partner/notice/file", "/partner/notice", value="x.example.com"))
    assert (unknown["published"], unknown["outcomes"]) == ([], [])


@pytest.mark.parametrize("app", ["sqlite", "postgresql"], indirect=True)
def test_operator_statement_about_a_partner_is_audited(app: Flask, store: Store) -> None:
    report(store, "Second Bank", LISTED)
    visitor = visitor_of(app, OperatorRole.ANALYST)
    page = "/console/notice"
    answer = visitor.send(f"{page}/file", page, value=LISTED, form="json", partner="First Bank")
    assert stated(store, answer)["partner"]["name"] == "First Bank"
    assert "MAKE" in visitor.get("/console/audit?route=notice").text
    refused = visitor.send(f"{page}/file", page, value=LISTED, partner="Nobody")
    assert refused.status_code == 422
    assert "There is no partner of this name." in refused.text
    assert 'href="/console/notice?lang=th"' in refused.text


def test_page_is_a_pdf_in_the_chosen_language(app: Flask) -> None:
    visitor = visitor_of(app, PartnerRole.READER, "First Bank")
    answer = visitor.send("/partner/notice/file", "/partner/notice", value=LISTED, form="pdf", language="th")
    assert answer.data.startswith(b"%PDF-1.7")
    assert b"(th)" in answer.data


@pytest.mark.parametrize("value", ["", "not a value at all", "x" * 2_001])
def test_malformed_value_shows_the_form_again(app: Flask, value: str) -> None:
    visitor = visitor_of(app, PartnerRole.READER, "First Bank")
    answer = visitor.send("/partner/notice/file", "/partner/notice", value=value)
    assert answer.status_code == 422
    assert "This is not a valid value." in answer.text
