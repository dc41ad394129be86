"""Operator pages of feeds, receipts, explanations, figures and the audit trail: content and access."""

import csv
import inspect
import io
import json
import re
from datetime import UTC

from flask import Flask

from server.features.feeds import orders
from server.features.reports.operator_pages import FACT_TEXTS, shown_check
from server.features.trail import pages as trail_pages
from server.release.explain_facts import Fact, RuleCheck
from server.release.reasons import Reason
from server.release.route import explain as route_explain
from server.store import Store, audit, feed_state
from server.store.audit import AuditEvent
from server.store.audit_search import TrailFilter
from server.store.database.times import moment, now
from server.store.feed_state import FeedState
from server.store.operators.users import OperatorRole
from server.web.shell.languages import load_languages
from server.web.shell.lists import csv_line
from tests.unit.server.web.shell.people import token_of, visitor_of
from tests.unit.server.web.shell.test_reviews import held

FEED = "/console/feeds/blocklist"


def furnish(store: Store) -> None:
    """Let a feed run once and fail."""
    at = moment(now())
    with store.begin() as tx:
        counts = {"read": 7, "accepted": 5, "rejected": 2}
        feed_state.record_run(
            tx, "blocklist", started=at, ended=at, **counts, error="try later: <b>away</b>", status=503
        )
        feed_state.save_state(
            tx, FeedState("blocklist", started=now(), ended=now(), failures=4, retry_at=now() + 3_600_000_000)
        )
        feed_state.acquire_lease(tx, ":ledger", "somebody")
        feed_state.add_dead_letter(tx, "blocklist", "indicator--1", b"{}", "ZeroDivisionError")


def test_analyst_orders_a_run_and_sees_its_result(app: Flask, store: Store) -> None:
    furnish(store)
    analyst = visitor_of(app, OperatorRole.ANALYST)
    listed = analyst.get("/console/feeds").text
    assert "blocklist" in listed
    assert ":ledger" not in listed
    assert "waits after failures" in listed
    assert "&lt;b&gt;away" in listed
    page = analyst.get(FEED).text
    assert "ZeroDivisionError" in page
    assert "Status of HTTP: 503" in page
    assert "Tried again from" in page
    assert analyst.send(f"{FEED}/order", FEED, action="dry-run").headers["Location"] == FEED
    part = analyst.client.get(FEED, headers={"HX-Request": "true"}).text
    assert "It waits for the schedule." in part
    assert "<main" not in part
    assert analyst.client.post(f"{FEED}/order", data={"token": token_of(page), "action": "run"}).status_code == 409
    with store.begin() as tx:
        taken = orders.take(tx, "blocklist")
        assert taken is not None
        assert taken.by == analyst.name
        orders.end(tx, taken, {"read": 9, "accepted": 8, "rejected": 1, "reasons": {"not-a-domain": 1}, "error": None})
    assert "not-a-domain" in analyst.get(FEED).text
    with store.read() as tx:
        found = [(event.method, event.route, event.reference) for event in (e.event for e in audit.tail(tx, 20))]
    assert ("ORDER", "feed-dry-run", "blocklist") in found


def test_impossible_order_is_refused(app: Flask, store: Store) -> None:
    furnish(store)
    viewer, analyst = visitor_of(app, OperatorRole.VIEWER), visitor_of(app, OperatorRole.ANALYST)
    assert "<form" not in viewer.get(FEED).text.partition("<main")[2]
    assert viewer.send(f"{FEED}/order", "/me", action="run").status_code == 403
    assert analyst.send(f"{FEED}/order", FEED, action="erase").status_code == 422
    assert analyst.send("/console/feeds/another/order", FEED, action="run").status_code == 404
    assert analyst.get("/console/feeds/another").status_code == 404


def test_an_explanation_is_audited_without_the_value(app: Flask, store: Store) -> None:
    held(store, "First Bank", ["asked-about.example.com"])
    analyst = visitor_of(app, OperatorRole.ANALYST)
    page = analyst.send("/console/explain", about="hxxp://asked-about[.]example[.]com")
    found = analyst.send("/console/explain", about="asked-about.example.com")
    assert page.status_code in (200, 404)
    assert found.status_code == 200
    assert "Held for review" in found.text
    assert "First Bank" in found.text
    for about in (
        "nothing.example.net",
        "indicator--00000000-0000-4000-8000-000000000000",
        "<script>",
        "x" * 3_000,
        "",
    ):
        assert analyst.send("/console/explain", about=about).status_code == 404, about[:20]
    with store.read() as tx:
        events = [entry.event for entry in audit.tail(tx, 50)]
    searches = [event for event in events if (event.method, event.route) == ("SEARCH", "explain")]
    assert len(searches) == 7
    assert "asked-about" not in repr(events)
    assert any(event.reference and event.reference.startswith("indicator--") for event in searches)
    # A telephone number is read in national notation.
    held(store, "First Bank", ["+66812345678"], kind="phone")
    assert "+66812345678" in analyst.send("/console/explain", about="081-234-5678").text


def test_audit_trail_is_exported_with_the_next_position(app: Flask, store: Store) -> None:
    analyst = visitor_of(app, OperatorRole.ANALYST)
    events = [AuditEvent(n, n, 1, None, "=SUM(A1)", "TEST", "trail", None, 200, 1, None) for n in range(1, 251)]
    with store.begin() as tx:
        audit.record(tx, events)
    sent = analyst.send("/console/audit/export", "/console/audit", form="csv", method="TEST")
    assert sent.headers["Content-Disposition"] == 'attachment; filename="audit.csv"'
    assert sent.headers["Cache-Control"] == "no-store"
    rows = list(csv.DictReader(io.StringIO(sent.text)))
    assert len(rows) == 250
    assert {row["by"] for row in rows} == {" =SUM(A1)"}
    lines = analyst.send("/console/audit/export", "/console/audit", form="jsonl", method="TEST").text.splitlines()
    assert [json.loads(line)["number"] for line in lines][:2] == [250, 249]
    assert analyst.send("/console/audit/export", "/console/audit", form="pdf").status_code == 422
    with store.read() as tx:
        assert sum(entry.event.method == "EXPORT" for entry in audit.tail(tx, 300)) == 2


def test_long_file_ends_with_the_next_position(store: Store) -> None:
    events = [AuditEvent(n, n, 1, None, "x", "TEST", "trail", None, 200, 1, None) for n in range(1, 251)]
    with store.begin() as tx:
        audit.record(tx, events)
    wanted = TrailFilter(method="TEST")
    first, second = (
        [json.loads(line) for line in trail_pages.lines_of(store, wanted, place, most=100)]
        for place in ("", "101.requests.101")
    )
    assert [row.get("number") for row in first][-2:] == [151, None]
    assert first[-1] == {"more": "151.requests.151"}
    assert [row["number"] for row in second if "number" in row] == list(range(100, 0, -1))


def test_no_cell_of_a_file_is_a_formula() -> None:
    assert csv_line(["=1+1", "@a", "+66", "plain", None, -3, 'a"b']) == b' =1+1, @a,+66,plain,,-3,"a""b"\r\n'
    assert csv_line(["\uff1d1", "\n=1", "\uff0b1"]).decode() == ' \uff1d1," \n=1", \uff0b1\r\n'


def test_pages_of_an_empty_hub_show_an_empty_state(app: Flask) -> None:
    viewer = visitor_of(app, OperatorRole.VIEWER)
    assert "All readers know" in viewer.get("/console/receipts").text
    assert viewer.get("/console/receipts?partner=First Bank&after=x~1~y").status_code == 200
    assert viewer.get("/console/receipts?partner=x&after=x~-~y").status_code == 200
    assert "No source has reported" in viewer.get("/console/figures").text
    assert "No feed is configured" in viewer.get("/console/feeds").text


def test_every_fact_of_an_explanation_has_its_sentences_in_both_languages() -> None:
    used = {*re.findall(r"Reason\.([A-Z_]+)", inspect.getsource(route_explain)), "EXPIRED", "ENDED_BY_PROVIDER"}
    of_annotations = {"NO_COMMON_COLLECTION", "TARGET_NOT_VISIBLE", "TARGET_WITHDRAWN"}
    codes = {fact.code for fact in Fact} | {Reason[name].code for name in used - of_annotations}
    assert codes == FACT_TEXTS.keys()
    given = ("reason", "tlp", "collections", "private", "collection", "confidence", "reporters", "asked")
    fields = dict.fromkeys(given, "1") | {"rule": "keeper-contradicted", "grade": "warn", "kind": "domain"}
    for language in load_languages(UTC).values():
        for code in codes:
            shown = shown_check(language, RuleCheck("guard", "held", "", "", code, fields))
            assert "%(" not in shown.fact, code
            for sentence in filter(None, (shown.fact, shown.way_out)):
                assert (language.code == "th") == bool(re.search("[\u0e00-\u0e7f]", sentence)), sentence
