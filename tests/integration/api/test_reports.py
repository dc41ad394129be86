"""Reports and records as JSON rows or as a file: each row has its outcome, and the same rows change nothing twice."""

import json
from typing import Any
from urllib.parse import quote

import pytest

from server.features.reports import sending
from server.store import audit_search, collections, inbox, partners
from server.store.audit_search import TrailFilter
from tests.integration.api.conftest import ApiHub

ACCOUNT = {"account_number": "123-4-56789-0", "bank": "KBANK", "country": "TH", "tlp": "green"}
_TABLE = "account_number,bank,country\n123-4-56789-0,KBANK,TH\n123-4-56789-0,KBANK,TH\n12,KBANK,TH\n"


@pytest.fixture(autouse=True)
def writers(hub: ApiHub) -> None:
    with hub.store.begin() as tx:
        for name in ("bank", "reader"):
            collections.grant(tx, name, collections.get(tx, "inbox"), write=True)


def _send(hub: ApiHub, body: Any, by: str = "bank", query: str = "", **more: str) -> dict[str, Any]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    status, _, answer = hub.ask("POST", f"/api/reports?{query}", by, data, **more)
    assert status == 200, answer
    found: dict[str, Any] = json.loads(answer)
    return found


def _refused(hub: ApiHub, body: Any, query: str = "", by: str = "bank", **more: str) -> tuple[int, str, str]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    status, _, answer = hub.ask("POST", f"/api/reports?{query}", by, data, **more)
    error = json.loads(answer)
    return status, error["error_code"], error["description"]


def _stored(hub: ApiHub, by: str = "bank") -> int:
    with hub.store.read() as tx:
        found, _ = audit_search.search(tx, TrailFilter(method="CONTRIBUTE"))
        return sum(entry.event.objects or 0 for entry in found if entry.event.partner == by)


def test_one_row_is_published_and_found_by_readers(hub: ApiHub) -> None:
    answer = _send(hub, ACCOUNT)
    [row] = answer["rows"]
    assert (row["line"], row["result"], row["kind"], row["value"]) == (
        1,
        "published",
        "bank-account",
        "TH:KASITHBK:1234567890",
    )
    assert row["id"].startswith("indicator--")
    assert answer["counts"]["published"] == 1
    [found] = hub.look_up({"value": "KBANK 123-4-56789-0", "details": {"country": "TH"}})
    assert found["found"]


@pytest.mark.parametrize("wrap", [lambda rows: rows, lambda rows: {"reports": rows}])
def test_a_wrong_row_stops_no_other(hub: ApiHub, wrap: Any) -> None:
    rows = [{"value": "shop.example.com", "tlp": "green"}, {"value": "12", "kind": "bank-account"}, ACCOUNT]
    answer = _send(hub, wrap(rows))
    assert [row["line"] for row in answer["rows"]] == [1, 2, 3]
    assert [row["result"] for row in answer["rows"]] == ["published", "refused", "published"]
    assert answer["rows"][1]["reason"] == "bank-missing"
    assert "12" not in answer["rows"][1]["message"]


def test_the_same_rows_twice_change_nothing(hub: ApiHub) -> None:
    first = _send(hub, [ACCOUNT, {"phone": "+66812345678", "url": "https://shop.example.com/x", "tlp": "green"}])
    with hub.store.read() as tx:
        space = partners.space(tx, "bank")
        ids = [row["id"] for row in first["rows"]]
        before = inbox.of_partner(tx, space, ids)
    again = _send(hub, [ACCOUNT, {"phone": "+66812345678", "url": "https://shop.example.com/x", "tlp": "green"}])
    assert again["rows"] == first["rows"]
    with hub.store.read() as tx:
        assert inbox.of_partner(tx, space, ids) == before


def test_a_changed_row_is_a_new_version_of_the_same_report(hub: ApiHub) -> None:
    [first] = _send(hub, ACCOUNT)["rows"]
    [second] = _send(hub, {**ACCOUNT, "scam_type": "merchandise"})["rows"]
    assert first["id"] == second["id"]
    with hub.store.read() as tx:
        [item] = inbox.of_partner(tx, partners.space(tx, "bank"), [first["id"]]).values()
    assert b"merchandise" in item.body


def test_dry_run_tells_the_rows_and_changes_nothing(hub: ApiHub) -> None:
    answer = _send(hub, [{**ACCOUNT, "scam_type": "merchandise"}, {"value": "nothing at all"}], query="dry_run=true")
    assert answer["dry_run"]
    assert [row["result"] for row in answer["rows"]] == ["ready", "refused"]
    assert answer["rows"][0]["columns"]["scam_type"] == "merchandise"
    assert (answer["counts"]["ready"], answer["counts"]["published"]) == (1, 0)
    assert _stored(hub) == 0
    assert not hub.look_up({"value": "KBANK 123-4-56789-0", "details": {"country": "TH"}})[0]["found"]


def test_a_file_is_read_by_its_content(hub: ApiHub) -> None:
    answer = _send(hub, _TABLE.encode(), query="tlp=green", CONTENT_TYPE="text/csv")
    assert [(row["line"], row["result"]) for row in answer["rows"]] == [
        (2, "published"),
        (3, "duplicate"),
        (4, "refused"),
    ]
    assert answer["counts"] == {
        **{"rows": 3, "values": 3, "ready": 0, "published": 1, "held": 0, "kept": 0},
        **{"duplicates": 1, "refused": 1},
    }


def test_a_form_sends_a_file_with_options(hub: ApiHub) -> None:
    parts = [
        b'Content-Disposition: form-data; name="tlp"\r\n\r\ngreen',
        b'Content-Disposition: form-data; name="columns"\r\n\r\naccount_number=Payee',
        b'Content-Disposition: form-data; name="file"; filename="a.csv"\r\nContent-Type: text/csv\r\n\r\n'
        b"Payee,bank,country\n123-4-56789-0,KBANK,TH\n",
    ]
    body = b"".join(b"--x\r\n" + part + b"\r\n" for part in parts) + b"--x--\r\n"
    [row] = _send(hub, body, CONTENT_TYPE="multipart/form-data; boundary=x")["rows"]
    assert (row["line"], row["result"]) == (2, "published")


def test_unread_columns_are_named_with_the_option_that_reads_them(hub: ApiHub) -> None:
    table = "account_number,zylophon,country\n123-4-56789-0,KBANK,TH\n"
    answer = _send(hub, table.encode(), CONTENT_TYPE="text/csv")
    [column] = [part for part in answer["not_read"] if part.get("name") == "zylophon"]
    assert column["option"] == "columns=bank=zylophon"
    read = _send(hub, table.encode(), query=f"columns={quote('bank=zylophon')}", CONTENT_TYPE="text/csv")
    assert read["rows"][0]["kind"] == "bank-account"


def test_a_file_with_more_values_goes_on_from_next(hub: ApiHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "MOST_VALUES", 2)
    data = b"".join(b"shop%d.example.com\n" % number for number in range(5))
    first = _send(hub, data, query="tlp=green", CONTENT_TYPE="text/plain")
    assert (first["counts"]["published"], first["next"]) == (2, 2)
    second = _send(hub, data, query="tlp=green&start=2", CONTENT_TYPE="text/plain")
    assert ([row["line"] for row in second["rows"]], second["next"]) == ([3, 4], 4)
    last = _send(hub, data, query="tlp=green&start=4", CONTENT_TYPE="text/plain")
    assert (last["counts"]["published"], "next" in last) == (1, False)


def test_records_are_rows_too_but_never_mixed_with_reports(hub: ApiHub) -> None:
    [report] = _send(hub, {**ACCOUNT, "tlp": "green"})["rows"]
    outcome = {"record": "outcome", "of": report["id"], "outcome": "blocked", "tlp": "green"}
    [row] = _send(hub, outcome)["rows"]
    assert row["kind"] == "outcome"
    assert row["id"].startswith("opinion--")
    status, code, said = _refused(hub, [{"value": "a.example.com"}, {**outcome, "outcome": "false-positive"}])
    assert (status, code) == (422, "not-reports")
    assert "$[1].record" in said


def test_a_record_about_a_hidden_value_is_answered_as_about_an_absent_one(hub: ApiHub) -> None:
    _send(hub, {"value": "shop.example.com", "tlp": "red"})
    rows = [
        {"record": "outcome", "of": f"domain:{name}", "outcome": "blocked"}
        for name in ("shop.example.com", "b.example.com")
    ]
    hidden, absent = _send(hub, rows, by="reader")["rows"]
    assert {**hidden, "line": 0} == {**absent, "line": 0}


def test_an_unreadable_file_is_answered_with_its_reason(hub: ApiHub) -> None:
    answer = _send(hub, b'[{"value": "shop.example.com"', CONTENT_TYPE="application/octet-stream")
    assert "not a complete JSON document" in answer["unreadable"]


@pytest.mark.parametrize(
    ("body", "place"),
    [([], "$"), ([1], "$.reports[0]"), (7, "$"), ([{"value": "a.example.com"}] * 1_001, "$.reports")],
)
def test_malformed_rows_are_refused_with_their_place(hub: ApiHub, body: Any, place: str) -> None:
    status, code, said = _refused(hub, body)
    assert (status, code) == (422, "not-reports")
    assert f"at {place}" in said


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("kind=planet", "kind"),
        ("dry_run=perhaps", "dry_run"),
        ("start=-1", "start"),
        ("planet=x", "no such option"),
        ("columns=/etc/passwd", "columns"),
    ],
)
def test_wrong_options_are_refused_by_name(hub: ApiHub, query: str, named: str) -> None:
    status, code, said = _refused(hub, ACCOUNT, query)
    assert (status, code) == (422, "report-options")
    assert named in said


def test_a_form_without_a_file_is_refused(hub: ApiHub) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="tlp"\r\n\r\ngreen\r\n--x--\r\n'
    assert _refused(hub, body, CONTENT_TYPE="multipart/form-data; boundary=x")[:2] == (422, "not-a-form")


def test_more_than_four_mebibytes_of_rows_are_refused(hub: ApiHub) -> None:
    row = {"value": "a.example.com", "description": "x" * 5_000_000}
    assert _refused(hub, row)[:2] == (413, "body-too-large")


def test_a_partner_that_may_not_write_is_refused_before_its_body_is_read(hub: ApiHub) -> None:
    assert _refused(hub, b"x", by="stranger", CONTENT_TYPE="text/csv", CONTENT_LENGTH="7")[0] == 404


class TestQuota:
    @pytest.fixture
    def settings(self) -> dict[str, Any]:
        return {"quota_objects_per_day": 10}

    def test_rows_count_as_objects_and_stop_where_the_day_is_used_up(self, hub: ApiHub) -> None:
        rows = [{"value": f"shop{number}.example.com"} for number in range(8)]
        status, code, _ = _refused(hub, rows)
        assert (status, code) == (429, "objects-a-day")
        assert _stored(hub) == 0
        assert _send(hub, rows[:1])["counts"]["kept"] + 1
        assert _stored(hub) > 0

    def test_a_file_stops_at_the_batch_that_does_not_fit(self, hub: ApiHub, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("feeds.mapping.contribute.BATCH", 1)
        answer = _send(hub, [{"value": f"shop{number}.example.com"} for number in range(8)])
        assert answer["stopped"]["reason"] == "objects-a-day"
        assert answer["stopped"]["retry_after"] > 0
        assert answer["next"] == answer["counts"]["values"] < 8
