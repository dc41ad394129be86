"""The pages of requests, receipts, feeds and certificates follow the API's rules and show no other partner's data."""

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
from schemas.hub_message import HubMessage
from schemas.partner import Partner, PartnerKind
from schemas.request import Request
from schemas.tabular import ReportReader
from schemas.tlog.notes import SignerKey
from server.features.questions.asking import ask as ask_reporters
from server.features.requests import desk, records as requests
from server.features.requests.hooks import RequestMessages
from server.release.context import open_context
from server.release.contribute import contribute
from server.release.hooks import PeerTaking
from server.release.hub import Hub
from server.release.peers import PeerHub
from server.store import Store, audit, collections, deliveries, feed_state, log, partners, read_progress, retractions
from server.store.credentials import UsedLogin
from server.store.database.times import now
from server.store.item import Item
from server.store.operators.users import OperatorRole, PartnerRole
from server.store.questions import questions
from server.store.read_progress import AnsweredRead
from server.store.retractions import Retraction
from tests.certificates import certified, curve_key, rsa_key, signed
from tests.unit.server.web.shell.people import Visitor, token_of, visitor_of

PROVIDER, POLICE = "Keeping Bank", "Cyber Police"
ABSENT = "00000000-0000-4000-8000-000000000000"
FIELDS = {
    **{"asks": "freeze", "kind": "bank-account", "value": "1234567890", "bank": "KBANK", "country": "TH"},
    **{"reference": "C-1", "amount": "100", "currency": "thb", "deadline": "4", "legal_basis": "police-order"},
}


@pytest.fixture(autouse=True)
def _parties(store: Store) -> None:
    with store.begin() as tx:
        for name, kind, institutions in (
            (PROVIDER, PartnerKind.BANK, ("KASITHBK",)),
            (POLICE, PartnerKind.GOVERNMENT, ()),
        ):
            given = {"name": name, "kind": kind, "country": "TH", "identity": ids.identity(name)}
            authority = ("bank-account",) if kind is PartnerKind.GOVERNMENT else ()
            partners.add(tx, Partner(**given, institutions=institutions, authority=authority))
        inbox = collections.get(tx, "inbox")
        for name in (PROVIDER, POLICE, "First Bank"):
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


def test_repeated_form_opens_a_request_once(app: Flask, store: Store) -> None:
    police = visitor_of(app, PartnerRole.WRITER, POLICE)
    page = police.get("/partner/requests/new?asks=freeze").text
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
        events = [entry.event for entry in audit.tail(tx, 20) if entry.event.method == "OPEN"]
    assert police.name in {event.remote for event in events}


def test_hidden_and_absent_requests_look_alike(app: Flask, store: Store) -> None:
    id_ = ask(store)
    stranger = visitor_of(app, PartnerRole.WRITER, "First Bank")
    pages = [stranger.get(f"/partner/requests/{wanted}") for wanted in (id_, ABSENT, "x")]
    assert [page.status_code for page in pages] == [404] * 3
    assert len({page.text.replace(id_, ABSENT).replace("/x", f"/{ABSENT}") for page in pages}) == 1
    assert "C-7" not in stranger.get("/partner/requests?list=all").text
    assert {step(stranger, wanted, state="agreed") for wanted in (id_, ABSENT, "x")} == {404}
    provider = visitor_of(app, PartnerRole.WRITER, PROVIDER)
    assert "C-7" in provider.get("/partner/requests").text
    # Only the sender can close a request.
    assert step(provider, id_, state="closed", reason="settled") == 422
    assert step(provider, id_, state="disagreed", reason="no-funds") == 303
    assert "There is no money left" in provider.get(f"/partner/requests/{id_}").text
    reader = visitor_of(app, PartnerRole.READER, PROVIDER)
    assert "<textarea" not in reader.get(f"/partner/requests/{id_}").text
    assert step(reader, id_, state="agreed") == 403


def test_named_accounts_are_confirmed_and_declined_on_a_page(app: Flask, store: Store) -> None:
    next_bank = "First Bank"
    with store.begin() as tx:
        partners.change(tx, partners.get(tx, next_bank).model_copy(update={"institutions": ("GSBATHBK",)}))
    id_ = ask(store, amount="90", currency="THB")
    provider, police = visitor_of(app, PartnerRole.WRITER, PROVIDER), visitor_of(app, PartnerRole.WRITER, POLICE)
    went_to = "\n".join(f"bank-account:TH:GSBATHBK:01234567890{digit}=10" for digit in range(3))
    assert step(provider, id_, state="agreed", amount="60", went_to=went_to) == 303
    desk_page = visitor_of(app, PartnerRole.WRITER, next_bank)
    listed = desk_page.get("/partner/requests").text
    assert listed.count(f"account named by {PROVIDER}") == 3
    [*paths] = dict.fromkeys(re.findall(r'href="(/partner/requests/[0-9a-f-]{36})"', listed))
    for text in (listed, *(desk_page.get(path).text for path in paths)):
        assert not [word for word in ("C-7", POLICE, "Order of the police") if word in text]
    assert "you are asked for nothing" in desk_page.get(paths[0]).text
    page = police.get("/partner/requests?list=unconfirmed").text
    hops = re.findall(r'name="id" value="([0-9a-f-]{36})"', page)
    assert len(hops) == 3
    assert "Named accounts to confirm or decline" in police.get("/partner/").text
    data = {"token": token_of(page), "decision": "confirm", "id": hops[:2]}
    assert "Confirmed: 2" in police.client.post("/partner/requests/hops", data=data).text
    assert police.client.post("/partner/requests/hops", data={**data, "id": []}).status_code == 422
    assert police.client.post("/partner/requests/hops", data={**data, "decision": "x"}).status_code == 422
    assert step(police, hops[2], state="closed", reason="declined") == 303
    assert desk_page.get("/partner/requests").text.count("C-7") == 2
    shown = desk_page.get(f"/partner/requests/{hops[0]}").text
    assert "The hub knows this authority" in shown
    assert "C-7" not in desk_page.get(f"/partner/requests/{hops[2]}").text
    reader = visitor_of(app, PartnerRole.READER, POLICE)
    assert 'name="decision"' not in reader.get("/partner/requests?list=unconfirmed").text
    assert reader.client.post("/partner/requests/hops", data=data).status_code == 403
    refused = provider.client.post(
        "/partner/requests/hops", data={**data, "token": token_of(provider.get("/me").text), "id": hops}
    )
    assert "Confirmed: 0" in refused.text


def test_partner_answers_questions_about_its_own_reports_only(app: Flask, store: Store) -> None:
    value = "asked-about.example.com"
    report(store, "First Bank", value)
    with store.begin() as tx:
        assert ask_reporters(Hub(store), tx, "Is it still up?", value, [f"domain:{value}"]) == 1
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
    stranger = visitor_of(app, PartnerRole.WRITER, PROVIDER)
    token = token_of(stranger.get("/me").text)
    for wanted in (plain, "/partner/questions/abcdefghijabcdefghij"):
        assert stranger.get(f"{wanted}?of={of}").status_code == 404
        assert stranger.client.post(f"{wanted}/answer", data={**data, "token": token}).status_code == 404
    assert writer.get(f"{plain}?of=indicator--{ABSENT}").status_code == 404


def test_only_own_receipts_are_shown_and_confirmed(app: Flask, store: Store) -> None:
    report(store, "First Bank", "taken-back.example.com")
    with store.begin() as tx:
        takedown = collections.get(tx, "takedown")
        for name in (PROVIDER, POLICE):
            collections.grant(tx, name, takedown, read=True)
            read_progress.record_reads(tx, [(name, takedown.id, log.last_added(tx, takedown) or 0)])
        [listing] = log.latest_of_type(tx, takedown, "indicator", 1)
        version = log.latest(tx, takedown, [listing])[listing].version or 0
        gone = Retraction(listing, (log.last_added(tx, takedown) or 0) + 1, version)
        retractions.retract(tx, {takedown: [gone]}, "a word of the operator")
    provider = visitor_of(app, PartnerRole.WRITER, PROVIDER)
    page = provider.get("/partner/receipts").text
    assert "taken-back.example.com" in page
    assert "a word of the operator" not in page
    data = {"token": token_of(page), "outcome": "restored"}
    wrong = [{"id": [f"indicator--{ABSENT}"]}, {"id": [listing], "outcome": "blocked"}, {}]
    answers = [provider.client.post("/partner/receipts/confirm", data={**data, **more}) for more in wrong]
    assert [answer.status_code for answer in answers] == [409, 422, 422]
    assert provider.client.post("/partner/receipts/confirm", data={**data, "id": [listing]}).status_code == 200
    assert provider.client.post("/partner/receipts/confirm", data={**data, "id": [listing]}).status_code == 409
    with store.read() as tx:
        assert [receipt.partner for receipt, _ in retractions.open_of(tx, POLICE)] == [POLICE]
        assert retractions.open_of(tx, PROVIDER) == []


def test_feeds_show_states_without_internal_causes_or_other_partners(app: Flask, store: Store) -> None:
    at = timestamp.now()
    with store.begin() as tx:
        takedown = collections.get(tx, "takedown")
        collections.grant(tx, PROVIDER, takedown, read=True)
        for feed, partner in (("to-keeper", PROVIDER), ("to-police", POLICE)):
            deliveries.record(tx, feed, partner, [Item.of({"type": "identity", "id": f"identity--{ABSENT}"})], "200")
            secret = "https://10.0.0.1/secret: connection refused"
            feed_state.record_run(
                tx, feed, started=at, ended=at, read=1, accepted=0, rejected=0, error=secret, status=429
            )
            feed_state.save_state(tx, feed_state.FeedState(feed, stopped=1, retry_at=now()))
        read_progress.record_reads(
            tx, [(PROVIDER, takedown.id, 1)], {(PROVIDER, takedown.id): [AnsweredRead(1, 1, UsedLogin("token", b"x"))]}
        )
    page = visitor_of(app, PartnerRole.READER, PROVIDER).get("/partner/feeds").text
    assert "to-keeper" in page
    assert "to-police" not in page
    assert "10.0.0.1" not in page
    assert "Your answer: HTTP 429" in page
    assert "Tried again from" in page
    assert UsedLogin("token", b"x").id in page
    assert "Stopped" in page


@pytest.mark.parametrize("make", [rsa_key, curve_key, Ed25519PrivateKey.generate], ids=["rsa", "curve", "ed25519"])
def test_certificate_is_registered_only_with_its_key(app: Flask, store: Store, make: Callable[[], Any]) -> None:
    admin = visitor_of(app, PartnerRole.ADMIN, PROVIDER)
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
        [kept] = partners.certificates_of(tx, PROVIDER)
    assert kept.fingerprint in admin.get("/partner/credentials").text
    assert send("remove-certificate", fingerprint=kept.fingerprint) == 303


def test_certificate_of_another_partner_looks_absent(app: Flask, store: Store) -> None:
    admin = visitor_of(app, PartnerRole.ADMIN, PROVIDER)
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
        assert partners.certificates_of(tx, PROVIDER) == []
        assert [kept.fingerprint for kept in partners.certificates_of(tx, POLICE)] == [theirs]


def test_password_attempts_of_a_partner_do_not_delay_others(app: Flask, store: Store) -> None:
    admin = visitor_of(app, PartnerRole.ADMIN, PROVIDER)
    answers = [admin.send("/partner/credentials") for _ in range(7)]
    assert [answer.status_code for answer in answers][-3:] == [422, 422, 422]
    assert 'id="new-token"' not in answers[-1].text
    with store.read() as tx:
        assert len(partners.credentials_of(tx, PROVIDER)) == 5


def test_file_of_events_has_the_search_results_and_no_formula(app: Flask, store: Store) -> None:
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
        "after=x~y",
        "after=9~" + "9" * 30,
        "since=yesterday",
        "event=none",
        "kind=none",
        "value=one.example.com",
    ):
        assert reader.get(f"/partner/?{wrong}").status_code in (200, 422)
    assert reader.client.post("/partner/", data={"value": "abc"}).status_code == 422
    other = visitor_of(app, PartnerRole.READER, PROVIDER)
    assert "one.example.com" not in other.client.post("/partner/reports.csv", data={"value": "one.example.com"}).text


def test_pages_name_the_hub_of_the_other_side(app: Flask, store: Store) -> None:
    peer = PeerHub("Hub Cambodia", SignerKey.make("hub.example.kh/log").verifier, frozenset({"KH"}))
    hub, at = Hub(store, peers=(peer,)), timestamp.now()
    given = {"reporter": POLICE, "reported_at": at, "asks": "freeze", "of": "bank-account:KH:ABAAKHPP:123456789"}
    more = {"reference": "C-7", "deadline": at + timedelta(hours=1), "legal_basis": "statute"}
    more |= {"amount": "100", "currency": "THB"}
    asked = {
        **{"asks": "return", "of": {"kind": "bank-account", "value": "TH:KASITHBK:1234567890"}, "reference": "C-8"},
        **{"amount": "5", "currency": "THB", "legal_basis": "police-order"},
        "deadline": timestamp.text(at + timedelta(hours=1)),
    }
    content = {"state": "open", "request": asked, "by": {"name": "Khmer Police", "kind": "government"}}
    with store.begin() as tx:
        sent = desk.send(hub, tx, partners.get(tx, POLICE), Request.model_validate({**given, **more})).view.id
        opening = HubMessage(peer.origin, "", "", now(), "request", ABSENT, content)
        steps = [{"state": "agreed", "amount": "40", "currency": "THB"}]
        response = HubMessage(peer.origin, "", "", now(), "response", sent, {"steps": steps, "went_on": "60"})
        taking = PeerTaking(hub, tx, peer, open_context(hub, tx), lambda _, refusal: pytest.fail(refusal.message))
        RequestMessages().take(taking, [opening, response])()
        [received] = [one.id for one in requests.all_requests(tx, most=10) if one.id != sent]
    police = visitor_of(app, PartnerRole.WRITER, POLICE)
    page = police.get(f"/partner/requests/{sent}").text
    assert "through Hub Cambodia" in page
    assert "60 THB; of it 0 held, 0 done" in page
    thai = police.get(f"/partner/requests/{sent}?lang=th").text
    assert "ผ่าน Hub Cambodia" in thai
    page = visitor_of(app, PartnerRole.WRITER, PROVIDER).get(f"/partner/requests/{received}").text
    assert "Khmer Police (Hub Cambodia)" in page
    assert "The hub does not know that the sender may give such an order" in page
    operator = visitor_of(app, OperatorRole.ANALYST).get(f"/console/requests/{sent}").text
    assert "through Hub Cambodia" in operator


def test_form_asks_only_for_what_the_request_needs(app: Flask) -> None:
    police = visitor_of(app, PartnerRole.WRITER, POLICE)
    choice = police.get("/partner/requests/new?asks=everything").text
    assert re.findall(r'name="asks" value="(\w+)"', choice) == ["freeze", "trace", "return", "information", "preserve"]
    fields = {
        word: set(re.findall(r'name="(\w+)"', police.get(f"/partner/requests/new?asks={word}").text))
        for word in ("freeze", "return", "information")
    }
    assert {"until", "amount"} <= fields["freeze"]
    assert "until" not in fields["return"] | fields["information"]
    assert "amount" not in fields["information"]


def test_requests_are_counted_by_state_of_the_list(app: Flask, store: Store) -> None:
    first, _second = ask(store), ask(store, reference="C-8")
    provider = visitor_of(app, PartnerRole.WRITER, PROVIDER)
    assert step(provider, first, state="acknowledged") == 303
    page = provider.get("/partner/requests").text
    assert re.findall(r"state=(\w+)[^>]*>[^<]* <b>(\d+)</b>", page) == [("open", "1"), ("acknowledged", "1")]
    assert "<b>" not in visitor_of(app, PartnerRole.WRITER, "First Bank").get("/partner/requests?list=all").text


def test_money_bar_has_the_shares_of_the_asked_sum(app: Flask, store: Store) -> None:
    id_ = ask(store, amount="800", currency="THB")
    provider = visitor_of(app, PartnerRole.WRITER, PROVIDER)
    assert step(provider, id_, state="agreed", amount="600") == 303
    assert step(provider, id_, state="done", amount="200") == 303
    page = provider.get(f"/partner/requests/{id_}").text
    assert re.findall(r'class="(agreed|done)" width="([\d.]+)"', page) == [("agreed", "75.00"), ("done", "25.00")]


def test_start_page_lists_the_work_by_urgency(app: Flask, store: Store) -> None:
    ask(store)
    page = visitor_of(app, PartnerRole.READER, PROVIDER).get("/partner/").text
    assert re.findall(r'class="count">(\d+)</span> <a href="([^"]+)"', page)[0] == ("1", "/partner/requests")
    assert "Nothing is waiting for you." in visitor_of(app, PartnerRole.READER, "First Bank").get("/partner/").text


def test_credentials_have_a_name(app: Flask, store: Store) -> None:
    with store.read() as tx:
        [issued] = partners.credentials_of(tx, PROVIDER)
    page = visitor_of(app, PartnerRole.ADMIN, PROVIDER).get("/partner/credentials").text
    assert f"<code>{issued.name}</code>" in page
    assert re.fullmatch("[0-9a-f]{16}", issued.name)
