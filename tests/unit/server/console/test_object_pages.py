"""Objecting by the pages: what it does is what the API does, and neither value nor code is in any address."""

import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from mappers.indicator import to_stix
from schemas import timestamp
from schemas.api.objection import Ground
from schemas.tabular import ReportReader
from server.console.public.object_pages import GROUNDS
from server.release.contribute import contribute
from server.release.hub import Hub
from server.release.objections import decide
from server.store import Store, partners
from server.store.database.times import now
from server.store.item import Item
from server.store.objections import objections
from server.store.objections.tables import objection_tokens, objections as objection_table

VALUE = "parcel-refund.example.com"
CODE = re.compile(r'id="code">([\w-]{32})<')


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


def test_what_a_page_takes_the_api_follows_and_the_other_way_round(app: Flask) -> None:
    client = app.test_client()
    code = file_by_page(client)
    assert client.get(f"/api/objections/{code}").json["state"] == "received"
    asked = {"value": VALUE, "kind": "domain", "ground": "hacked"}
    assert "It is being looked at" in answer_of(client, client.post("/api/objections", json=asked).json["token"])


def test_both_have_one_limit_a_day(app: Flask) -> None:
    client = app.test_client()
    for _ in range(3):
        file_by_page(client)
    asked = {"value": VALUE, "kind": "domain", "ground": "hacked"}
    assert [client.post("/api/objections", json=asked).status_code for _ in range(3)] == [202, 202, 429]
    refused = client.post("/object", data={"value": VALUE, "kind": "domain", "ground": "hacked"})
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0


def test_of_a_public_entry_the_page_tells_at_once_that_it_was_taken_back(app: Flask, store: Store) -> None:
    report_domain(store, "clear")
    client = app.test_client()
    code = file_by_page(client)
    hub = Hub(store)
    decide.route_new(hub)
    with store.begin() as tx:
        decide.clear(hub, tx, objections.by_token(tx, code).id, "Anong")
    assert "The entry was taken back" in answer_of(client, code)
    assert "รายการถูกถอนออกแล้ว" in answer_of(client, code, "th")


def test_the_page_is_the_same_whether_an_entry_is_hidden_or_there_is_none(app: Flask, store: Store) -> None:
    report_domain(store, "amber")
    client = app.test_client()
    hidden, unknown = file_by_page(client), file_by_page(client, "nobody.example.org")
    decide.route_new(Hub(store))
    assert answer_of(client, hidden) == answer_of(client, unknown)
    with store.begin() as tx:
        for table in (objection_table, objection_tokens):
            tx.execute(update(table).values(due=now() - timedelta(days=1) // timedelta(microseconds=1)))
    assert "It was looked at" in answer_of(client, hidden)
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
def test_what_is_no_objection_comes_back_as_it_was_written(app: Flask, change: dict[str, str], status: int) -> None:
    given = {"value": VALUE, "kind": "domain", "ground": "hacked", **change}
    answer = app.test_client().post("/object", data=given)
    assert answer.status_code == status
    assert 'role="alert"' in answer.text
    assert f'value="{given["value"]}"' in answer.text


@pytest.mark.parametrize("code", ["x" * 32, "", "../x", "x" * 5_000])
def test_a_code_that_there_is_none_of_is_answered_without_it(app: Flask, code: str) -> None:
    answer = app.test_client().post("/object/answer", data={"code": code})
    assert answer.status_code == 404
    assert "There is no objection of this code" in answer.text
    assert "xxxx" not in answer.text


def test_what_was_checked_is_in_the_form_and_nothing_is_filed(app: Flask, store: Store) -> None:
    answer = app.test_client().post("/object", data={"step": "fill", "value": VALUE, "kind": "domain"})
    assert f'value="{VALUE}"' in answer.text
    with store.read() as tx:
        assert objections.count_since(tx, 0) == 0


def test_without_a_key_no_contact_is_asked_for_or_taken(app: Flask) -> None:
    client = app.test_client()
    assert "How can we reach you?" not in client.get("/object").text
    asked = {"value": VALUE, "kind": "domain", "ground": "hacked", "contact": "somebody@example.com"}
    assert CODE.search(client.post("/object", data=asked).text)


def test_every_ground_has_words_for_people() -> None:
    assert len({*GROUNDS.values()}) == len(Ground)
