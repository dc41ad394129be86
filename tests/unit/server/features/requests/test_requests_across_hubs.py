"""Requests between institutions at hubs of several countries."""

import contextlib
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import Rejected
from server.features.allowlists.operations import AddAllowlistEntry
from server.features.federation import messages
from server.features.iso20022 import desk as iso20022
from server.features.iso20022.reading import Defaults
from server.features.requests.ageing import age
from server.features.requests.operations import RefuseRequest, ReleaseRequest
from server.operations.operation import Actor
from server.operations.run import run
from server.release.contribute import contribute
from server.store import collections
from server.store.database.times import now
from server.store.item import Item
from tests.iso20022_messages import UETR, cancellation, payment_return, resolution, transaction
from tests.unit.server.features.requests.linked_hubs import LinkedHub, account, exchange, linked
from tests.unit.server.features.requests.test_held import report


@pytest.fixture
def hubs(initial_store: Path, tmp_path: Path) -> Iterator[list[LinkedHub]]:
    with linked(initial_store, tmp_path, "TH", "KH", "SG") as found:
        thai, khmer, singapore = found
        thai.join("Victims Bank")
        thai.provider("Thai Bank")
        khmer.provider("Khmer Bank")
        singapore.provider("Lion Bank")
        yield found


def test_hub_says_nothing_of_a_coercion_to_another_hub(hubs: list[LinkedHub]) -> None:
    thai, khmer, _ = hubs
    report(khmer.hub, khmer.partners["Khmer Bank"], "bank-account", account("KH", 1), holder_status="coerced")
    id_ = thai.ask("Victims Bank", account("KH", 1))
    exchange(*hubs)
    [held] = khmer.stored()
    assert (held.state, khmer.requests_of("Khmer Bank")) == ("held", [])
    run(khmer.hub, RefuseRequest(id=held.id), Actor.system("Anong"))
    exchange(*hubs)
    last = thai.show("Victims Bank", id_)["steps"][-1]
    assert (last["state"], last["reason"]) == ("closed", "not-accepted")
    assert not any(hub.refused for hub in hubs)


def test_released_request_goes_to_the_provider_at_another_hub(hubs: list[LinkedHub]) -> None:
    thai, khmer, _ = hubs
    entry = AddAllowlistEntry(value=f"bank-account:{account('KH', 1)}", reason="a tax office")
    run(thai.hub, entry, Actor.system("Anong"))
    id_ = thai.ask("Victims Bank", account("KH", 1))
    exchange(*hubs)
    assert (thai.show("Victims Bank", id_)["state"], khmer.stored()) == ("held", [])
    run(thai.hub, ReleaseRequest(id=id_), Actor.system("Anong"))
    exchange(*hubs)
    [asked] = khmer.requests_of("Khmer Bank")
    khmer.answer("Khmer Bank", asked["id"], "acknowledged")
    exchange(*hubs)
    assert thai.show("Victims Bank", id_)["state"] == "acknowledged"


def test_a_request_reaches_the_provider_at_another_hub_and_its_response_returns(hubs: list[LinkedHub]) -> None:
    thai, khmer, singapore = hubs
    id_ = thai.ask("Victims Bank", account("KH", 1))
    exchange(*hubs)
    [asked] = khmer.requests_of("Khmer Bank")
    assert (asked["sender"], asked["reference"], asked["amount"]) == ("Victims Bank (Hub TH)", "CASE-1", "800000")
    assert "hub" in asked
    assert "authority_known" not in asked
    khmer.answer("Khmer Bank", asked["id"], "acknowledged")
    exchange(*hubs)
    khmer.answer("Khmer Bank", asked["id"], "agreed", amount="300000")
    khmer.answer("Khmer Bank", asked["id"], "done", amount="250000")
    exchange(*hubs)
    seen = thai.show("Victims Bank", id_)
    assert (seen["state"], seen["agreed"], seen["done"]) == ("done", "300000", "250000")
    assert (seen["addressee"], seen["hub"]) == ("keeper", "Hub KH")
    thai.answer("Victims Bank", id_, "closed")
    exchange(*hubs)
    assert khmer.show("Khmer Bank", asked["id"])["state"] == "closed"
    assert singapore.stored() == []
    assert not any(hub.refused for hub in hubs)


def follow_the_money(hubs: list[LinkedHub]) -> None:
    """Hold parts of 800,000 THB at four banks of three hubs, which pass 150,000 on to the Thai Bank."""
    _, khmer, singapore = hubs
    hops = [
        (khmer, "Khmer Bank", "100000", {account("SG", 2): "700000"}),
        (singapore, "Lion Bank", "200000", {account("SG", 3): "300000", account("KH", 4): "200000"}),
    ]
    for hub, bank, held, went_to in hops:
        exchange(*hubs)
        hub.answer(bank, hub.requests_of(bank)[0]["id"], "agreed", amount=held, went_to=went_to)
    exchange(*hubs)
    [inside] = [entry for entry in singapore.requests_of("Lion Bank") if entry["of"]["value"] == account("SG", 3)]
    singapore.answer("Lion Bank", inside["id"], "agreed", amount="300000")
    back = khmer.requests_of("Khmer Bank")[0]
    assert (back["of"]["value"], back["amount"], back["sender"]) == (account("KH", 4), "200000", "Lion Bank (Hub SG)")
    khmer.answer("Khmer Bank", back["id"], "agreed", amount="50000", went_to={account("TH", 5): "150000"})
    exchange(*hubs)


def test_money_is_followed_over_five_accounts_at_three_hubs(hubs: list[LinkedHub]) -> None:
    thai = hubs[0]
    id_ = thai.ask("Victims Bank", account("KH", 1))
    follow_the_money(hubs)
    [last] = thai.requests_of("Thai Bank")
    assert (last["amount"], last["hop"]) == ("150000", 4)
    thai.answer("Thai Bank", last["id"], "agreed", amount="100000")
    thai.answer("Thai Bank", last["id"], "done", amount="90000")
    exchange(*hubs)
    seen = thai.show("Victims Bank", id_)
    assert seen["agreed"] == "100000"
    assert seen["beyond"] == {"went_on": "700000", "held": "640000", "done": "90000"}
    assert not any(hub.refused for hub in hubs)


def test_no_hub_learns_the_chain_of_another(hubs: list[LinkedHub]) -> None:
    thai, khmer, singapore = hubs
    thai.ask("Victims Bank", account("KH", 1), legal_reference="Rule 7")
    exchange(*hubs)
    khmer.answer(
        "Khmer Bank",
        khmer.requests_of("Khmer Bank")[0]["id"],
        "agreed",
        amount="1",
        went_to={account("SG", 2): "700000"},
    )
    exchange(*hubs)
    lion = singapore.requests_of("Lion Bank")[0]
    singapore.answer("Lion Bank", lion["id"], "agreed", amount="1", went_to={account("SG", 3): "699999"})
    exchange(*hubs)
    told = {one.country: json.dumps(list(one.sent.values())) for one in hubs}
    to_singapore = json.dumps(khmer.sent["SG"])
    for secret in ("Victims", "CASE-1", "Rule 7", "Hub TH", account("KH", 1), "800000", thai.identity):
        assert secret not in to_singapore
    assert account("SG", 2) not in json.dumps(khmer.sent["TH"])
    assert account("SG", 3) not in told["SG"]
    # No hop in a third country is told to the hub where the money came from.
    assert account("SG", 2) not in json.dumps([request._asdict() for request in thai.stored()])


def forged(hub: LinkedHub, to: LinkedHub, thread: str, kind: str, content: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what a hostile hub signs, beginning with a message of its own making."""
    from server.store.peer_messages import messages

    with hub.hub.store.begin() as tx:
        messages.put(tx, to.signer.name, thread, kind, content)
    return hub.outgoing(to)


@pytest.mark.parametrize(
    "content",
    [
        {"steps": [{"state": "agreed", "amount": "900000", "currency": "THB"}]},
        {"steps": [{"state": "agreed", "amount": "300000", "currency": "USD"}]},
        {"steps": [{"state": "agreed", "amount": "300000", "currency": "THB"}], "went_on": "600000"},
        {"steps": [{"state": "agreed", "amount": "1", "currency": "THB"}], "went_on": "5", "held": "6"},
        {"steps": [{"state": "agreed", "amount": "1", "currency": "THB"}], "went_on": "5", "held": "5", "done": "6"},
        {"steps": [{"state": "done"}]},
        {"steps": [{"state": "closed", "reason": "withdrawn"}]},
        {"steps": [{"state": "open"}]},
        {"steps": [], "went_on": "-5"},
        {"steps": [{"state": "agreed", "amount": "1e99", "currency": "THB"}]},
        {"steps": "all"},
    ],
)
def test_a_hostile_hub_cannot_inflate_money_or_take_steps_of_others(
    hubs: list[LinkedHub], content: dict[str, Any]
) -> None:
    thai, khmer, _ = hubs
    id_ = thai.ask("Victims Bank", account("KH", 1))
    before = thai.show("Victims Bank", id_)
    thai.receive(khmer, forged(khmer, thai, id_, "response", content))
    assert thai.show("Victims Bank", id_) == before
    assert thai.refused.total() == 1


def test_only_the_hub_that_was_asked_can_respond(hubs: list[LinkedHub]) -> None:
    thai, _, singapore = hubs
    id_ = thai.ask("Victims Bank", account("KH", 1))
    local = thai.ask("Victims Bank", account("TH", 1))
    agreed = {"steps": [{"state": "agreed", "amount": "1", "currency": "THB"}]}
    for thread in (id_, local, "00000000-0000-4000-8000-000000000000"):
        forged(singapore, thai, thread, "response", agreed)
    thai.receive(singapore, singapore.outgoing(thai))
    assert thai.refused == {"unknown-request": 3}
    assert {request.state for request in thai.stored()} == {"open"}


def test_a_closed_request_stays_closed_and_steps_are_not_taken_back(hubs: list[LinkedHub]) -> None:
    thai, khmer, _ = hubs
    id_ = thai.ask("Victims Bank", account("KH", 1))
    exchange(*hubs)
    [asked] = khmer.requests_of("Khmer Bank")
    khmer.answer("Khmer Bank", asked["id"], "agreed", amount="300000")
    thai.answer("Victims Bank", id_, "closed", reason="withdrawn")
    exchange(*hubs)
    seen = thai.show("Victims Bank", id_), khmer.show("Khmer Bank", asked["id"])
    assert [(view["state"], view["agreed"]) for view in seen] == [("closed", "300000")] * 2
    thai.receive(khmer, forged(khmer, thai, id_, "response", {"steps": [{"state": "acknowledged"}]}))
    assert thai.refused == {"request-changed": 1}
    opening = thai.sent["KH"][0]
    khmer.receive(thai, [opening])
    sent = {"state": "open", "request": opening["extensions"] and {}, "by": {"name": "X", "kind": "bank"}}
    khmer.receive(thai, forged(thai, khmer, id_, "request", sent))
    assert khmer.show("Khmer Bank", asked["id"])["state"] == "closed"
    assert len(khmer.stored()) == 1


def test_an_order_from_another_hub_has_no_known_authority_and_is_not_passed_on(hubs: list[LinkedHub]) -> None:
    from schemas.partner import PartnerKind

    thai, khmer, singapore = hubs
    thai.join("Thai Police", kind=PartnerKind.GOVERNMENT, authority=("bank-account",))
    thai.ask("Thai Police", account("KH", 1), legal_basis="police-order")
    exchange(*hubs)
    [asked] = khmer.requests_of("Khmer Bank")
    assert asked["authority_known"] is False
    went_to = {account("KH", 2): "1000", account("SG", 2): "1000"}
    khmer.answer("Khmer Bank", asked["id"], "agreed", amount="1", went_to=went_to)
    exchange(*hubs)
    assert singapore.stored() == []
    [told] = [entry for entry in khmer.requests_of("Khmer Bank") if entry["state"] == "unconfirmed"]
    assert "Police" not in json.dumps(told)


def test_one_peer_opens_no_more_requests_than_its_quota(hubs: list[LinkedHub]) -> None:
    from dataclasses import replace

    from server.release.hub import RequestLimits

    thai, khmer, _ = hubs
    khmer.hub = replace(khmer.hub, request_limits=RequestLimits(per_day=1))
    for number in range(12):
        thai.ask("Victims Bank", account("KH", number))
    exchange(thai, khmer)
    assert len(khmer.stored()) == 10
    assert khmer.refused == {"too-many-requests": 2}
    ended = [request for request in thai.stored() if request.state == "closed"]
    told = [thai.show("Victims Bank", request.id)["steps"][-1] for request in ended]
    assert [(step["by"], step["reason"]) for step in told] == [("hub", "peer-quota")] * 2


def test_one_peer_sends_no_more_messages_a_day_than_its_quota(
    hubs: list[LinkedHub], monkeypatch: pytest.MonkeyPatch
) -> None:
    thai, khmer, _ = hubs
    monkeypatch.setattr(messages, "MOST_A_DAY", 3)
    for number in range(3):
        thai.ask("Victims Bank", account("KH", number))
    khmer.receive(thai, thai.outgoing(khmer))
    thai.ask("Victims Bank", account("KH", 3))
    khmer.receive(thai, thai.outgoing(khmer))
    assert len(khmer.stored()) == 3
    assert khmer.refused["too-many"] > 0


def test_a_request_with_a_number_that_could_be_a_persons_is_refused(hubs: list[LinkedHub]) -> None:
    thai, khmer, _ = hubs
    id_ = thai.ask("Victims Bank", account("KH", 1))
    [note] = thai.outgoing(khmer)
    sent = note["extensions"][next(iter(note["extensions"]))]["hub_message"]["content"]
    content = {**sent, "request": {**sent["request"], "reference": "1101700230708"}}
    khmer.receive(thai, forged(thai, khmer, id_.replace("-", "x"), "request", content)[1:])
    assert khmer.refused == {"personal-number": 1}
    assert khmer.stored() == []


@pytest.mark.parametrize("seed", range(2))
def test_both_hubs_agree_whatever_order_messages_arrive_in(hubs: list[LinkedHub], seed: int) -> None:
    thai, khmer, _ = hubs
    chance = random.Random(seed)  # noqa: S311 - the same in each run
    ids_ = [thai.ask("Victims Bank", account("KH", number)) for number in range(4)]
    history: dict[str, list[dict[str, Any]]] = {"TH": [], "KH": []}

    def deliver() -> None:
        """Hand over some messages, old and new, repeated and in any order."""
        for one, other in ((thai, khmer), (khmer, thai)):
            known = history[one.country]
            known += [obj for obj in one.outgoing(other) if obj not in known]
            for obj in chance.choices(known, k=3) if known else ():
                other.receive(one, [obj])

    for _ in range(12):
        deliver()
        with contextlib.suppress(Rejected):
            if chance.random() < 0.2:
                thai.answer("Victims Bank", chance.choice(ids_), "closed")
        with contextlib.suppress(Rejected, IndexError):
            asked = chance.choice(khmer.requests_of("Khmer Bank"))
            state = chance.choice(["acknowledged", "agreed", "disagreed", "done"])
            more = {"agreed": {"amount": str(chance.randint(1, 800_000))}, "disagreed": {"reason": "no-funds"}}
            khmer.answer("Khmer Bank", asked["id"], state, **more.get(state, {}))
    exchange(thai, khmer)
    sides = [
        {one["reference"] + one["of"]["value"]: [one.get(name) for name in ("state", "agreed", "done")] for one in of}
        for of in (thai.requests_of("Victims Bank"), khmer.requests_of("Khmer Bank"))
    ]
    assert {name: side for name, side in sides[0].items() if name in sides[1]} == sides[1]
    assert [side for name, side in sides[0].items() if name not in sides[1]] == [["closed", None, None]] * (
        len(sides[0]) - len(sides[1])
    )
    assert not thai.refused + khmer.refused


def test_a_peer_is_no_party_of_a_request(hubs: list[LinkedHub]) -> None:
    thai, khmer, _ = hubs
    thai.ask("Victims Bank", account("TH", 1), addressee="Hub KH", also_to=["Hub SG"])
    exchange(*hubs)
    assert [request.addressee for request in thai.stored()] == [None]
    assert khmer.stored() == []
    with thai.hub.store.read() as tx:
        assert collections.find_private(tx, "Hub KH", "requests") is None
        assert collections.find_private(tx, "Hub SG", "requests") is None


def test_a_peer_may_push_messages_and_no_other_partner(hubs: list[LinkedHub]) -> None:
    thai, khmer, _ = hubs
    thai.ask("Victims Bank", account("KH", 1))
    items = [Item.of(obj) for obj in thai.outgoing(khmer) if obj["type"] == "note"]
    with khmer.hub.store.begin() as tx:
        assert len(contribute(khmer.hub, tx, khmer.partners["Khmer Bank"], items).failed) == 1
    assert khmer.stored() == []
    with khmer.hub.store.begin() as tx:
        assert len(contribute(khmer.hub, tx, khmer.partners["Hub TH"], items).accepted) == 1
    assert [request.state for request in khmer.stored()] == ["open"]


def test_a_request_without_an_addressee_at_the_other_hub_ends_at_its_deadline(hubs: list[LinkedHub]) -> None:
    thai, khmer, _ = hubs
    id_ = thai.ask("Victims Bank", account("KH", 1).replace("ABAAKHPP", "CADIKHPP"))
    exchange(thai, khmer)
    assert [request.addressee for request in khmer.stored()] == [None]
    exchange(thai, khmer)
    assert thai.show("Victims Bank", id_)["state"] == "open"
    age(khmer.hub, now() + 5 * 3_600_000_000)
    exchange(thai, khmer)
    seen = thai.show("Victims Bank", id_)
    assert (seen["state"], seen["steps"][-1]["by"], seen["steps"][-1]["reason"]) == ("closed", "hub", "no-addressee")
    assert [request.state for request in khmer.stored()] == ["closed"]
    assert not any(hub.refused for hub in hubs)


def test_a_hub_cannot_refuse_a_request_that_its_institution_answered(hubs: list[LinkedHub]) -> None:
    thai, khmer, _ = hubs
    id_ = thai.ask("Victims Bank", account("KH", 1))
    exchange(thai, khmer)
    khmer.answer("Khmer Bank", khmer.requests_of("Khmer Bank")[0]["id"], "acknowledged")
    exchange(thai, khmer)
    thai.receive(khmer, forged(khmer, thai, id_, "response", {"steps": [], "refused": "no-addressee"}))
    assert thai.show("Victims Bank", id_)["state"] == "acknowledged"
    assert thai.refused == {"request-changed": 1}


def test_a_pushed_message_that_is_refused_is_a_failure_each_time(hubs: list[LinkedHub]) -> None:
    thai, khmer, _ = hubs
    id_ = thai.ask("Victims Bank", account("KH", 1))
    [note] = thai.outgoing(khmer)
    sent = note["extensions"][next(iter(note["extensions"]))]["hub_message"]["content"]
    content = {**sent, "request": {**sent["request"], "reference": "1101700230708"}}
    items = [Item.of(obj) for obj in forged(thai, khmer, id_.replace("-", "x"), "request", content)]
    for _ in range(2):
        with khmer.hub.store.begin() as tx:
            done = contribute(khmer.hub, tx, khmer.partners["Hub TH"], items)
        assert [result.id for result in done.accepted] == [note["id"]]
        [refused] = done.failed
        assert (refused.reason, "personal-number" in refused.message) == ("hub-report-refused", True)
    assert len(khmer.stored()) == 1


def test_a_bank_reads_and_answers_a_request_of_another_hub_by_iso_20022(hubs: list[LinkedHub]) -> None:
    thai, khmer, _ = hubs
    bank = khmer.partners["Khmer Bank"]
    id_ = thai.ask("Victims Bank", account("KH", 1), reference="C-117", uetr=UETR, end_to_end_id="E2E-1")
    exchange(thai, khmer)
    [asked] = khmer.requests_of("Khmer Bank")
    with khmer.hub.store.read() as tx:
        written = iso20022.write_one(tx, bank, asked["id"])
    assert written is not None
    assert b"camt.056" in written.data
    assert UETR.encode() in written.data
    message = iso20022.read(resolution("R-1", "PECR", sender="ABAAKHPP", amount="300000.00").encode(), bank, Defaults())
    [outcome] = iso20022.take(khmer.hub, bank, message, lambda act: run(khmer.hub, act, Actor.program(bank, "")))
    assert (outcome.refusal, outcome.state) == (None, "agreed")
    exchange(thai, khmer)
    seen = thai.show("Victims Bank", id_)
    assert (seen["state"], seen["agreed"]) == ("agreed", "300000")
    with thai.hub.store.read() as tx:
        told = iso20022.write_one(tx, thai.partners["Victims Bank"], id_)
    assert told is not None
    assert b"camt.029" in told.data


def _by_iso(hub: LinkedHub, bank: str, message: str) -> tuple[str, str]:
    """Let a bank send a message by ISO 20022 about one payment, and return the request with its state."""
    partner = hub.partners[bank]
    read = iso20022.read(message.encode(), partner, Defaults())
    [outcome] = iso20022.take(hub.hub, partner, read, lambda act: run(hub.hub, act, Actor.program(partner, "")))
    assert outcome.refusal is None
    return outcome.request, outcome.state


def _without_ids(message: str) -> str:
    """Return a message without the ids of the first payment, which later banks never receive."""
    return re.sub(r"<Orgnl(EndToEndId|UETR|TxId)>[^<]*</Orgnl\1>", "", message)


def test_money_by_iso_20022_is_followed_over_three_hubs_and_returned(hubs: list[LinkedHub]) -> None:
    thai = hubs[0]
    thai.join("Bangkok Bank", institutions=("BKKBTHBK",))
    account_of = f"<Othr><Id>{account('KH', 1).rpartition(':')[2]}</Id></Othr>"
    asked = transaction(account=account_of, creditor_agent="ABAAKHPP")
    id_, _ = _by_iso(thai, "Bangkok Bank", cancellation("A-1", asked))
    follow_the_money(hubs)
    # The last bank reads a camt.056, and answers by camt.029 and pacs.004.
    [last] = thai.requests_of("Thai Bank")
    with thai.hub.store.read() as tx:
        written = iso20022.write_one(tx, thai.partners["Thai Bank"], last["id"])
    assert written is not None
    assert b"150000" in written.data
    for secret in (b"C-117", UETR.encode(), b"BKKBTHBK", b"800000"):
        assert secret not in written.data
    agreed = _without_ids(resolution("R-1", "PECR", case=last["reference"], amount="100000.00"))
    assert _by_iso(thai, "Thai Bank", agreed) == (last["id"], "agreed")
    # Without an id of the payment that both know, the return names the case.
    case = f"</Rsn><AddtlInf>/scamfeed/case={last['reference']}</AddtlInf>"
    returned = _without_ids(payment_return("P-1", "90000.00")).replace("</Rsn>", case)
    assert _by_iso(thai, "Thai Bank", returned) == (last["id"], "done")
    exchange(*hubs)
    seen = thai.show("Bangkok Bank", id_)
    assert (seen["state"], seen["agreed"], seen["amount"]) == ("agreed", "100000", "800000")
    assert seen["beyond"] == {"went_on": "700000", "held": "640000", "done": "90000"}
    with thai.hub.store.read() as tx:
        told = iso20022.write_one(tx, thai.partners["Bangkok Bank"], id_)
    assert told is not None
    assert b"camt.029" in told.data
    assert not any(hub.refused for hub in hubs)
