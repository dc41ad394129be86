"""The pages of an institution that keeps accounts: what waits, the answers, and nothing of another institution's."""

import re
from collections.abc import Sequence

import pytest
from flask import Flask

from mappers import ids
from mappers.indicator import to_stix
from schemas import timestamp
from schemas.partner import Partner, PartnerKind
from schemas.qualification import QualificationCode
from schemas.tabular import ReportReader
from server.console.partner.answer_words import ANSWERS
from server.release.contribute import contribute
from server.release.hub import Hub
from server.store import Store, audit, collections, partners
from server.store.item import Item
from server.store.keepers import kept_accounts
from server.store.operators.users import PartnerRole
from tests.unit.server.console.people import Visitor, token_of, visitor_of

KEEPER, OTHER = "Keeping Bank", "Other Keeper"
NUMBERS = ("4567890123", "4567890124", "4567890125")


@pytest.fixture(autouse=True)
def _keepers(store: Store) -> None:
    with store.begin() as tx:
        for name, institution in ((KEEPER, "KASITHBK"), (OTHER, "GSBATHBK")):
            given = {"name": name, "kind": PartnerKind.BANK, "country": "TH", "identity": ids.identity(name)}
            partners.add(tx, Partner(**given, institutions=(institution,)))
            collections.grant(tx, name, collections.get(tx, "inbox"), write=True)
    reported(store, NUMBERS)


@pytest.fixture
def writer(app: Flask) -> Visitor:
    return visitor_of(app, PartnerRole.WRITER, KEEPER)


def reported(store: Store, numbers: Sequence[str], bank: str = "KBANK") -> None:
    given = {"reporter": "First Bank", "kind": "bank-account", "tlp": "amber", "bank": bank, "country": "TH"}
    reader = ReportReader({**given, "reported_at": timestamp.text(timestamp.now())})
    items = [Item.of(obj) for number in numbers for obj in to_stix(reader.report({"value": number}))]
    with store.begin() as tx:
        contribute(Hub(store), tx, partners.get(tx, "First Bank"), items)


def listings_on(page: str) -> list[str]:
    """Return the listings that can be answered, in the order of the accounts' numbers."""
    item = r"([0-9]+)<strong>([0-9]+)</strong>.*?name=\"code (indicator--[0-9a-f-]{36})\""
    return [found[2] for found in sorted(re.findall(item, page, re.DOTALL))]


def check(visitor: Visitor, **fields: object) -> tuple[int, str]:
    token = token_of(visitor.get("/partner/accounts").text)
    answer = visitor.client.post("/partner/accounts/check", data={"token": token, **fields})
    return answer.status_code, answer.text


def send(visitor: Visitor, page: str, **fields: object) -> tuple[int, str]:
    basis = re.findall(r'name="basis" value="([^"]+)"', page)[0]
    given = re.findall(r'name="answer" value="([^"]+)"', page)
    data = {"token": token_of(page), "answer": given, "basis": basis, **fields}
    answer = visitor.client.post("/partner/accounts/answer", data=data)
    return answer.status_code, answer.text


def codes(store: Store) -> dict[str, str | None]:
    with store.read() as tx:
        return {kept.subject[-10:]: kept.code for kept in kept_accounts.find(tx, KEEPER, every=True)}


def test_who_logs_in_begins_with_the_accounts_that_wait(app: Flask, writer: Visitor) -> None:
    assert writer.get("/login").headers["Location"] == "/partner/accounts"
    assert visitor_of(app, PartnerRole.READER, OTHER).get("/login").headers["Location"] == "/partner/"


def test_answers_are_shown_with_their_effects_before_they_count(store: Store, writer: Visitor) -> None:
    page = writer.get("/partner/accounts").text
    first, second, third = listings_on(page)
    fields = {f"code {first}": "genuine", "id": [second], "code": "unknown"}
    status, preview = check(writer, **fields)
    assert status == 200
    assert "<strong>0123</strong>" in preview
    assert ANSWERS[QualificationCode.UNKNOWN].effect in preview
    assert third not in preview
    assert set(codes(store).values()) == {None}
    status, done = send(writer, preview, note="seen at the desk")
    assert status == 200
    assert done.count("It counts from now on") == 2
    assert codes(store) == {NUMBERS[0]: "genuine", NUMBERS[1]: "unknown", NUMBERS[2]: None}
    with store.read() as tx:
        events = [entry.event for entry in audit.tail(tx, 20) if entry.event.method == "ANSWER"]
    assert [(event.remote, event.partner) for event in events] == [(writer.name, KEEPER)] * 2
    assert listings_on(writer.get("/partner/accounts").text) == [third]
    assert listings_on(writer.get("/partner/accounts?list=answered").text) != []


def test_what_changed_since_it_was_checked_is_not_sent(store: Store, writer: Visitor) -> None:
    first, *_ = listings_on(writer.get("/partner/accounts").text)
    _, preview = check(writer, **{f"code {first}": "fraud"})
    assert send(writer, preview)[0] == 200
    assert send(writer, preview)[0] == 409
    assert codes(store)[NUMBERS[0]] == "fraud"


def test_what_another_keeps_and_what_is_not_there_are_refused_alike(app: Flask, store: Store, writer: Visitor) -> None:
    reported(store, ["012345678901"], "GSB")
    [theirs] = listings_on(visitor_of(app, PartnerRole.WRITER, OTHER).get("/partner/accounts").text)
    absent = "indicator--00000000-0000-4000-8000-000000000000"
    refused = [check(writer, **{f"code {id_}": "genuine"}) for id_ in (theirs, absent, "indicator--x", "' OR 1=1")]
    assert {status for status, _ in refused} == {404}
    assert len({re.sub(r'value="[^"]*"', "", page) for _, page in refused}) == 1
    mine = listings_on(writer.get("/partner/accounts").text)[0]
    assert check(writer, **{f"code {mine}": "genuine", f"code {theirs}": "genuine"})[0] == 404
    assert "012345678901" not in writer.get("/partner/accounts").text


def test_nothing_chosen_and_too_much_are_refused(writer: Visitor) -> None:
    mine = listings_on(writer.get("/partner/accounts").text)[0]
    assert check(writer)[0] == 422
    assert check(writer, id=[mine])[0] == 422
    assert check(writer, **{f"code {mine}": "no-such-code"})[0] == 422
    many = {f"code indicator--{number:036d}": "genuine" for number in range(101)}
    assert check(writer, **many)[0] == 422


def test_a_reader_sees_what_waits_and_cannot_answer(app: Flask) -> None:
    reader = visitor_of(app, PartnerRole.READER, KEEPER)
    page = reader.get("/partner/accounts").text
    assert f"{NUMBERS[0][:-4]}<strong>{NUMBERS[0][-4:]}</strong>" in page
    assert listings_on(page) == []
    assert reader.client.post("/partner/accounts/check", data={"token": token_of(page)}).status_code == 403
    assert reader.client.post("/partner/accounts/answer", data={"token": token_of(page)}).status_code == 403
