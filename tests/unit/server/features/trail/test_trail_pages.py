"""The audit trail in plain words, limited to days, persons, acts and failures."""

import csv
import io
from datetime import UTC

import pytest
from flask import Flask

from server.features.trail import words
from server.operations.registry import every
from server.store import Store, audit, audit_search
from server.store.audit import AuditEvent
from server.store.audit_search import TrailFilter
from server.store.operators.users import OperatorRole
from server.web.shell import routes
from server.web.shell.languages import ENGLISH, load_languages
from tests.unit.server.web.shell.conftest import app, store
from tests.unit.server.web.shell.people import Visitor, visitor_of

__all__ = ["app", "store"]

DAY = 86_400 * 1_000_000
FIRST = 20_000 * DAY  # 4 October 2024
ONLY = ("acts", "refused", "failed", "x")


def event(
    first: int, method: str = "GET", route: str = "objects", status: int = 200, by: str = "192.0.2.9"
) -> AuditEvent:
    return AuditEvent(first, first, 1, "First Bank", by, method, route, None, status, 0, None)


@pytest.fixture
def analyst(app: Flask, store: Store) -> Visitor:
    given = [
        event(FIRST, "APPROVE", "review", by="Nok P."),
        event(FIRST + DAY - 1),
        event(FIRST + DAY, "GET", "nowhere/console", 404, "Nok P."),
        event(FIRST + 2 * DAY, "POST", "/console/review/<path:id>/ask", 503),
    ]
    with store.begin() as tx:
        audit.record(tx, given)
    return visitor_of(app, OperatorRole.ANALYST)


def rows(page: str) -> list[str]:
    return page.partition("<tbody>")[2].partition("</tbody>")[0].split("<tr>")[1:]


def actions(page: str) -> list[str]:
    return [row.split("</td>")[3].rpartition(">")[2] for row in rows(page)]


def test_entries_are_in_plain_words(analyst: Visitor) -> None:
    page = analyst.get("/console/audit?partner=First Bank").text
    busy, missing, read, approved = rows(page)
    assert "the page “Reviews”" in busy
    assert "the hub was busy" in busy
    assert "an address that does not exist" in missing
    assert "not found" in missing
    assert "objects of a collection" in read
    assert "Approved" in approved
    assert not any(code in page.partition("<tbody>")[2] for code in (">GET<", "nowhere", "404", "503"))


def test_search_is_limited_to_days_and_their_zone(analyst: Visitor) -> None:
    assert len(rows(analyst.get("/console/audit?from=2024-10-04&to=2024-10-04").text)) == 2
    assert len(rows(analyst.get("/console/audit?from=2024-10-05&to=2024-10-06").text)) == 2
    assert len(rows(analyst.get("/console/audit?to=2024-10-03").text)) == 0
    for bad in ("2024-13-01", "yesterday", "9999-12-31", "0000-01-01"):
        answer = analyst.get(f"/console/audit?from=2024-10-04&to={bad}")
        assert answer.status_code == 422, bad
        assert "A day is written as year, month and day, such as " in answer.text


def test_acts_and_failures_are_found_alone(analyst: Visitor) -> None:
    found = {only: actions(analyst.get(f"/console/audit?only={only}&to=2024-10-06").text) for only in ONLY}
    assert found == {
        **{"acts": ["Approved"], "refused": ["Read"], "failed": ["Sent"]},
        "x": ["Sent", "Read", "Read", "Approved"],
    }


def test_file_has_the_same_filter(analyst: Visitor) -> None:
    fields = {"from": "2024-10-05", "to": "2024-10-05", "by": "Nok P.", "form": "csv"}
    sent = analyst.send("/console/audit/export", "/console/audit", **fields)
    [row] = csv.DictReader(io.StringIO(sent.text))
    assert (row["route"], row["status"]) == ("nowhere/console", "404")


def test_entries_of_a_time_are_found_in_steps(store: Store) -> None:
    with store.begin() as tx:
        audit.record(tx, [event(FIRST + number) for number in range(250)])
    wanted, found, place = TrailFilter(since=FIRST + 10, until=FIRST + 240), 0, None
    with store.read() as tx:
        while True:
            entries, place = audit_search.search(tx, wanted, before=place)
            found += len(entries)
            if place is None:
                break
    assert found == 230


def test_every_operation_has_words() -> None:
    language = load_languages(UTC)[ENGLISH]
    for act in every().values():
        assert words.action(language, act.verb) != act.verb, act.name
        assert "-" not in words.target(language, act.what), act.name


def test_every_page_of_a_desk_has_a_name() -> None:
    assert {route.path for route in routes.every() if route.tab is not None} <= {*words._tabs()}
