"""The pages of requests, receipts, feeds and certificates: the API's rules, and nothing of another partner's."""

import csv
import html
import io
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Flask

from mappers import ids
from mappers.indicator import to_stix
from schemas import timestamp
from schemas.partner import Partner, PartnerKind
from schemas.request import Request
from schemas.tabular import ReportReader
from server.release.asking import ask as ask_reporters
from server.release.contribute import contribute
from server.release.hub import Hub
from server.release.requests import desk
from server.store import Store, audit, collections, deliveries, feed_state, log, partners, read_progress, retractions
from server.store.credentials import UsedLogin
from server.store.database.times import now
from server.store.item import Item
from server.store.operators.users import PartnerRole
from server.store.questions import questions
from server.store.requests import requests
from server.store.retractions import Retraction
from tests.certificates import certified, curve_key, rsa_key, signed
from tests.unit.server.console.people import Visitor, token_of, visitor_of

KEEPER, POLICE = "Keeping Bank", "Cyber Police"
ABSENT = "00000000-0000-4000-8000-000000000000"
FIELDS = {
    **{"asks": "freeze", "kind": "bank-account", "value": "1234567890", "bank": "KBANK", "country": "TH"},
    **{"reference": "C-1", "amount": "100", "currency": "thb", "deadline": "4", "legal_basis": "police-order"},
}


@pytest.fixture(autouse=True)
def _parties(store: Store) -> None:
    with store.begin() as tx:
        for name, kind, institutions in (
            (KEEPER, PartnerKind.BANK, ("KASITHBK",)),
            (POLICE, PartnerKind.GOVERNMENT, ()),
        ):
            given = {"name": name, "kind": kind, "country": "TH", "identity": ids.identity(name)}
            partners.add(tx, Partner(**given, institutions=institutions))
        inbox = collections.get(tx, "inbox")
        for name in (KEEPER, POLICE, "First Bank"):
            collections.grant(tx, name, inbox, write=True)


def ask(store: Store, **columns: str) -> str:
    at = timestamp.now()
    given = {"reporter": POLICE, "reported_at": at, "asks": "freeze", "of": "bank-account:TH:KASITHBK:1234567890"}
    more = {"reference": "C-7", "deadline": at + timedelta(hours=1), "legal_basis": "police-order", **columns}
    with store.begin() as tx:
        return desk.send(Hub(store), tx, partners.get(tx, POLICE), Request.model_validate({**given, **more})).view.id


def step(visitor: Visitor, id_: str, **fields: str) -> int:
    token = token_of(visitor.get("/me").text)
    return visitor.client.post(f"/partner/requests/{id_}/step", data={"token": token, **fields}).status_code


def report(store: Store, partner: str, value: str, **columns: str) -> None:
    given = {"reporter": partner, "kind": "domain", "tlp": "green", "reported_at": timestamp.text(timestamp.now())}
    objects = to_stix(ReportReader({**given, **columns}).report({"value": value}))
    with store.begin() as tx:
        contribute(Hub(store), tx, partners.get(tx, partner), [Item.of(obj) for obj in objects])


def test_a_request_is_opened_once_however_often_its_form_is_sent(app: Flask, store: Store) -> None:
    police = visitor_of(app, PartnerRole.WRITER, POLICE)
    page = police.get("/partner/requests/new").text
    begun = re.findall(r'name="begun" value="(\d+)"', page)[0]
    data = {**FIELDS, "token": token_of(page), "begun": begun}
    sent = [police.client.post("/partner/requests/new", data=data) for _ in range(2)]
    assert [answer.status_code for answer in sent] == [303, 303]
    assert sent[0].headers["Location"] == sent[1].headers["Location"]
    wrong = police.client.post("/partner/requests/new", data={**data, "amount": "much"})
    assert wrong.status_code == 422
    assert 'value="C-1"' in wrong.text
    with store.read() as tx:
        assert len(requests.all_requests(tx, most=10)) == 1
        events = [entry.event for entry in audit.tail(tx, 20) if entry.event.method == "REQUEST"]
    assert police.name in {event.remote for event in events}


def test_a_request_that_is_hidden_and_one_that_is_not_there_are_one_answer(app: Flask, store: Store) -> None:
    id_ = ask(store)
    stranger = visitor_of(app, PartnerRole.WRITER, "First Bank")
    pages = [stranger.get(f"/partner/requests/{wanted}") for wanted in (id_, ABSENT, "x")]
    assert [page.status_code for page in pages] == [404] * 3
    assert len({page.text.replace(id_, ABSENT).replace("/x", f"/{ABSENT}") for page in pages}) == 1
    assert "C-7" not in stranger.get("/partner/requests?list=all").text
    assert {step(stranger, wanted, state="agreed") for wanted in (id_, ABSENT, "x")} == {404}
    keeper = visitor_of(app, PartnerRole.WRITER, KEEPER)
    assert "C-7" in keeper.get("/partner/requests").text
    # Closing is for the sender, and for nobody else.
    assert step(keeper, id_, state="closed", reason="settled") == 422
    assert step(keeper, id_, state="disagreed", reason="no-funds") == 303
    assert "There is no money left" in keeper.get(f"/partner/requests/{id_}").text
    reader = visitor_of(app, PartnerRole.READER, KEEPER)
    assert "<textarea" not in reader.get(f"/partner/requests/{id_}").text
    assert step(reader, id_, state="agreed") == 403


def test_a_question_about_ones_own_report_is_answered_and_others_are_not_there(app: Flask, store: Store) -> None:
    value = "asked-about.example.com"
    report(store, "First Bank", value)
    with store.begin() as tx:
        assert ask_reporters(Hub(store), tx, "Is it still up?", value, "somebody", [f"domain:{value}"]) == 1
    writer = visitor_of(app, PartnerRole.WRITER, "First Bank")
    [path] = re.findall(r'href="(/partner/questions/[^"]+)"', writer.get("/partner/").text)
    page = writer.get(path).text
    assert "Is it still up?" in page
    assert "asked-about.example.com" in page
    plain, _, of = path.partition("?of=")
    data = {"token": token_of(page), "of": of, "text": "It was up at noon."}
    assert writer.client.post(f"{plain}/answer", data={**data, "text": " "}).status_code == 422
    assert "It was up at noon." in writer.client.post(f"{plain}/answer", data=data).text
    with store.read() as tx:
        [(_, [recipient])] = questions.all_questions(tx)
    assert (recipient.partner, recipient.answer) == ("First Bank", "It was up at noon.")
    stranger = visitor_of(app, PartnerRole.WRITER, KEEPER)
    token = token_of(stranger.get("/me").text)
    for wanted in (plain, "/partner/questions/abcdefghijabcdefghij"):
        assert stranger.get(f"{wanted}?of={of}").status_code == 404
        assert stranger.client.post(f"{wanted}/answer", data={**data, "token": token}).status_code == 404
    assert writer.get(f"{plain}?of=indicator--{ABSENT}").status_code == 404


def test_only_ones_own_receipts_are_shown_and_confirmed(app: Flask, store: Store) -> None:
    report(store, "First Bank", "taken-back.example.com")
    with store.begin() as tx:
        takedown = collections.get(tx, "takedown")
        for name in (KEEPER, POLICE):
            collections.grant(tx, name, takedown, read=True)
            read_progress.record_reads(tx, [(name, takedown.id, log.last_added(tx, takedown) or 0)])
        [listing] = log.latest_of_type(tx, takedown, "indicator", 1)
        version = log.latest(tx, takedown, [listing])[listing].version or 0
        gone = Retraction(listing, (log.last_added(tx, takedown) or 0) + 1, version)
        retractions.retract(tx, {takedown: [gone]}, "a word of the operator")
    keeper = visitor_of(app, PartnerRole.WRITER, KEEPER)
    page = keeper.get("/partner/receipts").text
    assert "taken-back.example.com" in page
    assert "a word of the operator" not in page
    data = {"token": token_of(page), "outcome": "restored"}
    wrong = [{"id": [f"indicator--{ABSENT}"]}, {"id": [listing], "outcome": "blocked"}, {}]
    answers = [keeper.client.post("/partner/receipts/confirm", data={**data, **more}) for more in wrong]
    assert [answer.status_code for answer in answers] == [409, 422, 422]
    assert keeper.client.post("/partner/receipts/confirm", data={**data, "id": [listing]}).status_code == 200
    assert keeper.client.post("/partner/receipts/confirm", data={**data, "id": [listing]}).status_code == 409
    with store.read() as tx:
        assert [receipt.partner for receipt, _ in retractions.open_of(tx, POLICE)] == [POLICE]
        assert retractions.open_of(tx, KEEPER) == []


def test_feeds_show_states_and_never_the_cause_inside_nor_another_partners(app: Flask, store: Store) -> None:
    at = timestamp.now()
    with store.begin() as tx:
        takedown = collections.get(tx, "takedown")
        collections.grant(tx, KEEPER, takedown, read=True)
        for feed, partner in (("to-keeper", KEEPER), ("to-police", POLICE)):
            deliveries.record(tx, feed, partner, [Item.of({"type": "identity", "id": f"identity--{ABSENT}"})], "200")
            secret = "https://10.0.0.1/secret: connection refused"
            feed_state.record_run(
                tx, feed, started=at, ended=at, read=1, accepted=0, rejected=0, error=secret, status=429
            )
            feed_state.save_state(tx, feed_state.FeedState(feed, stopped=1, retry_at=now()))
        read_progress.record_reads(tx, [(KEEPER, takedown.id, 1)], {(KEEPER, takedown.id): UsedLogin("token", b"x")})
    page = visitor_of(app, PartnerRole.READER, KEEPER).get("/partner/feeds").text
    assert "to-keeper" in page
    assert "to-police" not in page
    assert "10.0.0.1" not in page
    assert "Your answer: HTTP 429" in page
    assert "Tried again from" in page
    assert UsedLogin("token", b"x").id in page
    assert "Stopped" in page


@pytest.mark.parametrize("make", [rsa_key, curve_key, Ed25519PrivateKey.generate], ids=["rsa", "curve", "ed25519"])
def test_a_certificate_is_registered_by_who_has_its_key(app: Flask, store: Store, make: Callable[[], Any]) -> None:
    admin = visitor_of(app, PartnerRole.ADMIN, KEEPER)
    key = make()
    certificate = certified(key)
    page = admin.get("/partner/credentials").text
    statement = html.unescape(page.split("printf %s ")[1].split(" |")[0]).strip("'")
    token = token_of(page)

    def send(path: str, **fields: str) -> int:
        return admin.client.post(f"/partner/credentials/{path}", data={"token": token, **fields}).status_code

    other = signed(make(), statement)
    assert send("certificate", certificate=certificate, signature=other) == 422
    assert (
        send("certificate", certificate=certificate, signature=signed(key, statement.replace("identity", "x"))) == 422
    )
    assert send("certificate", certificate=certificate, signature=signed(key, statement)) == 303
    with store.read() as tx:
        [kept] = partners.certificates_of(tx, KEEPER)
    assert kept.fingerprint in admin.get("/partner/credentials").text
    assert send("remove-certificate", fingerprint=kept.fingerprint) == 303


def test_a_certificate_of_another_partner_is_as_one_that_is_not_there(app: Flask, store: Store) -> None:
    admin = visitor_of(app, PartnerRole.ADMIN, KEEPER)
    known, unknown = (certified(curve_key()) for _ in range(2))
    with store.begin() as tx:
        theirs = partners.set_certificate(tx, POLICE, known)
    token = token_of(admin.get("/partner/credentials").text)

    def send(path: str, **fields: str) -> tuple[int, str]:
        answer = admin.client.post(f"/partner/credentials/{path}", data={"token": token, **fields})
        return answer.status_code, answer.text

    assert (
        send("remove-certificate", fingerprint=theirs)[0] == send("remove-certificate", fingerprint="cd" * 32)[0] == 404
    )
    for signature in ("", "AAAA", "no base64", signed(curve_key(), "something else")):
        answers = {send("certificate", certificate=given, signature=signature) for given in (known, unknown)}
        assert len(answers) == 1
        assert answers.pop()[0] == 422
    assert send("certificate", certificate=theirs)[0] == send("certificate", certificate="cd" * 32)[0] == 422
    assert send("certificate", certificate="-----BEGIN PRIVATE KEY-----")[0] == 422
    with store.read() as tx:
        assert partners.certificates_of(tx, KEEPER) == []
        assert [kept.fingerprint for kept in partners.certificates_of(tx, POLICE)] == [theirs]


def test_a_partner_has_so_few_passwords_that_nobody_elsewhere_waits_for_them(app: Flask, store: Store) -> None:
    admin = visitor_of(app, PartnerRole.ADMIN, KEEPER)
    answers = [admin.send("/partner/credentials") for _ in range(7)]
    assert [answer.status_code for answer in answers][-3:] == [422, 422, 422]
    assert 'id="new-token"' not in answers[-1].text
    with store.read() as tx:
        assert len(partners.credentials_of(tx, KEEPER)) == 5


def test_a_file_of_events_has_what_is_searched_for_and_no_formula(app: Flask, store: Store) -> None:
    report(store, "First Bank", "one.example.com", reference="=HYPERLINK(1)")
    report(store, "First Bank", "two.example.com")
    reader = visitor_of(app, PartnerRole.READER, "First Bank")
    answer = reader.client.post("/partner/reports.csv", data={"value": "one.example.com"})
    assert answer.headers["Content-Disposition"] == 'attachment; filename="reports.csv"'
    [row] = csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig")))
    assert (row["value"], row["event"], row["reference"]) == ("one.example.com", "released", " =HYPERLINK(1)")
    assert len(list(csv.reader(io.StringIO(reader.client.post("/partner/reports.csv").text)))) == 3
    assert ">two.example.com<" in reader.client.post("/partner/", data={"value": "two.example.com"}).text
    for wrong in (
        "before=x~y",
        "before=9~" + "9" * 30,
        "since=yesterday",
        "event=none",
        "kind=none",
        "value=one.example.com",
    ):
        assert reader.get(f"/partner/?{wrong}").status_code in (200, 422)
    assert reader.client.post("/partner/", data={"value": "abc"}).status_code == 422
    other = visitor_of(app, PartnerRole.READER, KEEPER)
    assert "one.example.com" not in other.client.post("/partner/reports.csv", data={"value": "one.example.com"}).text
