"""The page of pending ends: a second person of the organisation decides, and only its own ends are shown."""

import re
from collections.abc import Sequence
from dataclasses import replace

import pytest
from flask import Flask

from mappers import ids
from mappers.indicator import to_stix
from schemas import timestamp
from schemas.partner import Partner, PartnerKind
from schemas.tabular import ReportReader
from server.features.findings.answering import GivenAnswer, answer_all
from server.release.contribute import contribute
from server.release.guard.ends import Sender
from server.release.hub import Hub
from server.store import Store, collections, held_ends, listings, partners
from server.store.item import Item
from server.store.operators.users import OperatorRole, PartnerRole
from server.store.providers import kept_accounts
from tests.unit.server.web.shell.people import Visitor, token_of, visitor_of

PROVIDER, OTHER = "Keeping Bank", "Second Bank"
NUMBERS = [str(4567890100 + number) for number in range(6)]
LIMIT = 2


@pytest.fixture(autouse=True)
def _providers(store: Store) -> None:
    with store.begin() as tx:
        given = {"name": PROVIDER, "kind": PartnerKind.BANK, "country": "TH", "identity": ids.identity(PROVIDER)}
        partners.add(tx, Partner(**given, institutions=("KASITHBK",)))
        for name in (PROVIDER, OTHER):
            collections.grant(tx, name, collections.get(tx, "inbox"), write=True)
    given = {"reporter": "First Bank", "kind": "bank-account", "tlp": "amber", "bank": "KBANK", "country": "TH"}
    reader = ReportReader({**given, "reported_at": timestamp.text(timestamp.now())})
    items = [Item.of(obj) for number in NUMBERS for obj in to_stix(reader.report({"value": number}))]
    with store.begin() as tx:
        contribute(Hub(store), tx, partners.get(tx, "First Bank"), items)


def find(store: Store, numbers: Sequence[str], person: str = "") -> None:
    with store.begin() as tx:
        given = [GivenAnswer(frozenset([f"bank-account:TH:KASITHBK:{number}"]), "genuine") for number in numbers]
        hub = replace(Hub(store), ends_per_day=LIMIT)
        done = answer_all(hub, tx, partners.get(tx, PROVIDER), given, Sender(person))
    assert not [result for result in done if result.refused], done


def waiting(store: Store) -> int:
    with store.read() as tx:
        return held_ends.count(tx)


def cleared(store: Store) -> int:
    with store.read() as tx:
        return sum(kept.code is not None for kept in kept_accounts.find(tx, PROVIDER, every=True))


def decide(visitor: Visitor, decision: str, *found: str, **fields: str) -> tuple[int, str]:
    data = {"token": token_of(visitor.get("/partner/ends").text), "decision": decision, "id": list(found), **fields}
    answer = visitor.client.post("/partner/ends/decide", data=data)
    return answer.status_code, answer.text


def boxes(visitor: Visitor) -> list[str]:
    return re.findall(r'name="id" value="([^"]+)"', visitor.get("/partner/ends").text)


def test_second_person_confirms_ends_sent_by_a_program(app: Flask, store: Store) -> None:
    find(store, NUMBERS)
    writer = visitor_of(app, PartnerRole.WRITER, PROVIDER)
    page = writer.get("/partner/ends").text
    assert "Waiting: 4." in page
    assert f"A program of {PROVIDER}" in page
    assert len(boxes(writer)) == waiting(store) == 4
    status, text = decide(writer, "confirm", *boxes(writer)[:3])
    assert (status, waiting(store), cleared(store)) == (200, 1, 5)
    assert "Confirmed: 3." in text
    assert "Nothing waits" not in writer.get("/partner/ends").text
    status, _ = decide(writer, "reject", which="all")
    assert (status, waiting(store), cleared(store)) == (200, 0, 5)
    assert "Nothing waits for a second person." in writer.get("/partner/ends").text


def test_person_cannot_confirm_ends_sent_by_the_same_login(app: Flask, store: Store) -> None:
    sender = visitor_of(app, PartnerRole.WRITER, PROVIDER, name="Somchai")
    find(store, NUMBERS, "Somchai")
    assert boxes(sender) == []
    other = visitor_of(app, PartnerRole.WRITER, PROVIDER, name="Malee")
    found = boxes(other)
    assert len(found) == 4
    assert decide(sender, "confirm", *found)[0] == 403
    assert decide(sender, "confirm", which="all")[0] == 200
    assert waiting(store) == 4
    assert decide(other, "confirm", which="all")[0] == 200
    assert (waiting(store), cleared(store)) == (0, 6)


def test_other_organisations_and_readers_decide_nothing(app: Flask, store: Store) -> None:
    find(store, NUMBERS)
    found = boxes(visitor_of(app, PartnerRole.WRITER, PROVIDER))
    stranger = visitor_of(app, PartnerRole.ADMIN, OTHER)
    page = stranger.get("/partner/ends").text
    assert not [number for number in NUMBERS if number in page]
    assert decide(stranger, "confirm", *found)[0] == decide(stranger, "confirm", "1/opinion--x#end")[0] == 409
    reader = visitor_of(app, PartnerRole.READER, PROVIDER)
    assert boxes(reader) == []
    assert decide(reader, "confirm", *found)[0] in (403, 404)
    assert waiting(store) == 4


def test_decided_end_is_not_decided_again(app: Flask, store: Store) -> None:
    find(store, NUMBERS)
    writer = visitor_of(app, PartnerRole.WRITER, PROVIDER)
    found = boxes(writer)
    assert decide(writer, "confirm", *found)[0] == 200
    assert decide(writer, "reject", *found)[0] == 409
    assert decide(writer, "confirm")[0] == 422
    assert decide(writer, "perhaps", which="all")[0] == 422


def test_operators_see_and_decide_pending_ends(app: Flask, store: Store) -> None:
    find(store, NUMBERS)
    approver = visitor_of(app, OperatorRole.APPROVER)
    assert "Ends that wait for a second person" in approver.get("/console/").text
    page = approver.get("/console/reviews?rule=many-ends").text
    ids_ = re.findall(r'name="id" value="([^"]+)"', page)
    assert len(ids_) == 4
    data = {"token": token_of(page), "decision": "approve", "id": ids_}
    preview = approver.client.post("/console/reviews/preview", data=data).text
    assert waiting(store) == 4
    data |= {"basis": re.findall(r'name="basis" value="([^"]+)"', preview), "token": token_of(preview)}
    answer = approver.client.post("/console/reviews/decide", data=data)
    assert answer.status_code == 200, answer.text
    assert (waiting(store), cleared(store)) == (0, 6)
    with store.read() as tx:
        assert listings.find(tx, [f"bank-account:TH:KASITHBK:{NUMBERS[0]}"])


def test_the_pages_are_in_thai(app: Flask, store: Store) -> None:
    find(store, NUMBERS)
    page = visitor_of(app, PartnerRole.WRITER, PROVIDER).get("/partner/ends?lang=th").text
    assert "การถอนรายการที่รอบุคคลที่สองยืนยัน" in page
