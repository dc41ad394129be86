"""Objections through the pages have the same effect as through the API, with no value or code in an address."""

import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from mappers.indicator import to_stix
from schemas import timestamp
from schemas.api.statements import Ground
from schemas.tabular import ReportReader
from server.features.objections import decide, records as objections
from server.features.objections.public_pages import GROUNDS
from server.features.objections.tables import objection_tokens, objections as objection_table
from server.release.contribute import contribute
from server.release.hub import Hub
from server.store import Store, partners
from server.store.database.times import now
from server.store.item import Item
from tests.unit.server.web.shell.people import key_of

VALUE = "parcel-refund.example.com"
CODE = re.compile(r'id="code">([0-9A-Z-]{24})<')


def report_domain(store: Store, tlp: str) -> None:
    """Let a partner report the value."""
    given = {"reporter": "First Bank", "kind": "domain", "tlp": tlp, "reported_at": timestamp.text(timestamp.now())}
    objects = to_stix(ReportReader(given).report({"value": VALUE}))
    with store.begin() as tx:
        contribute(Hub(store), tx, partners.get(tx, "First Bank"), [Item.of(obj) for obj in objects])


def file_by_page(client: FlaskClient, value: str = VALUE) -> str:
    answer = client.post("/object", data={"value": value, "kind": "domain", "ground": "not-involved"})
    assert answer.status_code == 200
    found = CODE.search(answer.text)
    assert found
    assert f"?{found[1]}" not in answer.text
    assert not re.search(rf'(?:href|action|src)="[^"]*{found[1]}', answer.text)
    return found[1]


def answer_of(client: FlaskClient, code: str, language: str = "en") -> str:
    answer = client.post(f"/object/answer?lang={language}", data={"code": code})
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    return str(answer.text)


def test_objections_are_shared_between_pages_and_api(app: Flask) -> None:
    client = app.test_client()
    code = file_by_page(client)
    assert client.get(f"/api/objections/{code}").json["state"] == "received"
    asked = {"value": VALUE, "kind": "domain", "ground": "hacked"}
    assert "It is being checked" in answer_of(client, client.post("/api/objections", json=asked).json["token"])


def test_pages_and_api_share_the_daily_limit(app: Flask) -> None:
    client = app.test_client()
    for _ in range(3):
        file_by_page(client)
    asked = {"value": VALUE, "kind": "domain", "ground": "hacked"}
    assert [client.post("/api/objections", json=asked).status_code for _ in range(3)] == [202, 202, 429]
    refused = client.post("/object", data={"value": VALUE, "kind": "domain", "ground": "hacked"})
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0


def test_page_reports_the_delisting_of_a_public_value_at_once(app: Flask, store: Store) -> None:
    report_domain(store, "clear")
    client = app.test_client()
    code = file_by_page(client)
    hub = Hub(store)
    decide.route_new(hub)
    with store.begin() as tx:
        decide.clear(hub, tx, objections.by_token(tx, code).id, "Anong")
    assert "The entry was removed" in answer_of(client, code)
    assert "รายการถูกถอนออกแล้ว" in answer_of(client, code, "th")


def test_page_is_the_same_for_hidden_and_absent_listings(app: Flask, store: Store) -> None:
    report_domain(store, "amber")
    client = app.test_client()
    hidden, unknown = file_by_page(client), file_by_page(client, "nobody.example.org")
    decide.route_new(Hub(store))
    assert answer_of(client, hidden) == answer_of(client, unknown)
    with store.begin() as tx:
        for table in (objection_table, objection_tokens):
            tx.execute(update(table).values(due=now() - timedelta(days=1) // timedelta(microseconds=1)))
    assert "It was checked" in answer_of(client, hidden)
    assert answer_of(client, hidden) == answer_of(client, unknown)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"value": ""}, 400),
        ({"ground": ""}, 400),
        ({"ground": "because I say so"}, 400),
        ({"value": "no value at all", "kind": "wallet"}, 422),
    ],
)
def test_malformed_objection_is_shown_again_unchanged(app: Flask, change: dict[str, str], status: int) -> None:
    given = {"value": VALUE, "kind": "domain", "ground": "hacked", **change}
    answer = app.test_client().post("/object", data=given)
    assert answer.status_code == status
    assert 'role="alert"' in answer.text
    assert f'value="{given["value"]}"' in answer.text


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("0000-0000-0000-0000-0000", "There is no objection with this code"),
        ("0000-0000-0000-0000-0001", "a letter or digit is wrong, missing or extra"),
        ("x" * 32, "is not the code of an objection"),
        ("../x", "is not the code of an objection"),
        ("x" * 5_000, "is not the code of an objection"),
    ],
    ids=["unknown", "mistyped", "old", "path", "long"],
)
def test_unknown_code_is_answered_without_repeating_it(app: Flask, code: str, told: str) -> None:
    answer = app.test_client().post("/object/answer", data={"code": code})
    assert answer.status_code == 404
    assert told in answer.text
    assert "xxxx" not in answer.text


def test_checked_value_prefills_the_form_and_files_nothing(app: Flask, store: Store) -> None:
    answer = app.test_client().post("/object", data={"step": "fill", "value": VALUE, "kind": "domain"})
    assert f'value="{VALUE}"' in answer.text
    with store.read() as tx:
        assert objections.count_since(tx, 0) == 0


def test_contact_is_neither_requested_nor_accepted_without_a_key(app: Flask) -> None:
    client = app.test_client()
    assert "How can we reach you?" not in client.get("/object").text
    asked = {"value": VALUE, "kind": "domain", "ground": "hacked", "contact": "somebody@example.com"}
    assert CODE.search(client.post("/object", data=asked).text)


def test_every_ground_has_words_for_people() -> None:
    assert len({*GROUNDS.values()}) == len(Ground)


def form_of(client: FlaskClient, value: str = VALUE, **more: str) -> dict[str, str]:
    key = key_of(client.get("/object").text)
    assert key
    return {"form-key": key, "value": value, "kind": "domain", "ground": "not-involved", **more}


def test_reload_files_no_second_objection(app: Flask, store: Store) -> None:
    client = app.test_client()
    data = form_of(client)
    codes = []
    for _ in range(3):
        sent = client.post("/object", data=data)
        assert (sent.status_code, sent.headers["Location"]) == (303, "/object/sent")
        shown = client.get("/object/sent")
        assert shown.headers["Cache-Control"] == "no-store"
        codes += CODE.findall(shown.text)
        again = client.get("/object/sent")
        assert (again.status_code, CODE.findall(again.text)) == (410, [])
    assert len(codes) == 3
    assert len(set(codes)) == 1
    assert "It is being checked" in answer_of(client, codes[0])
    with store.read() as tx:
        [(tokens,)] = tx.exec_driver_sql("SELECT count(*) FROM objection_tokens").all()
    assert tokens == 1


def test_corrected_form_and_new_form_are_other_objections(app: Flask, store: Store) -> None:
    client = app.test_client()
    data = form_of(client)
    for given in (data, {**data, "value": "other.example.com"}, form_of(client)):
        assert client.post("/object", data=given).status_code == 303
    with store.read() as tx:
        [(tokens,)] = tx.exec_driver_sql("SELECT count(*) FROM objection_tokens").all()
    assert tokens == 3


def test_mistyped_and_repeated_objections_do_not_count(app: Flask) -> None:
    client = app.test_client()
    for wrong in ("12", "no value at all", "081-234", "", "http://"):
        assert client.post("/object", data=form_of(client, wrong)).status_code in (400, 422)
    data = form_of(client)
    assert {client.post("/object", data=data).status_code for _ in range(8)} == {303}
    assert client.post("/object", data=form_of(client, "other.example.com")).status_code == 303


@pytest.mark.parametrize(("language", "said"), [("en", "You can try again from "), ("th", "ลองใหม่ได้ตั้งแต่ ")])
def test_refusal_by_a_limit_says_until_when(app: Flask, language: str, said: str) -> None:
    client = app.test_client()
    for _ in range(5):
        file_by_page(client)
    refused = client.post(f"/object?lang={language}", data=form_of(client))
    assert refused.status_code == 429
    assert said in refused.text


@pytest.mark.parametrize("cookie", ["x", "bm90IGpzb24=", "WyIxIiwieCIsInkiLHRydWVd", "/w=="])
def test_forged_receipt_shows_no_code(app: Flask, cookie: str) -> None:
    client = app.test_client()
    client.set_cookie("objection", cookie)
    assert client.get("/object/sent").status_code == 410
