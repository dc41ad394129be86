"""Dual control: an act is done exactly as proposed when another person confirms it."""

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from mappers import ids
from schemas import timestamp
from schemas.partner import Partner, PartnerKind
from server.operations import dual_control
from server.operations.dual_control import (
    Arguments,
    DualControlAction,
    Effects,
    NotAllowed,
    NotASecondPerson,
    Signatures,
    TooManyOpen,
)
from server.release.hub import Hub
from server.release.persons import SamePerson, same_person, same_persons
from server.store import Store, audit, partners
from server.store.database.engine import Tx
from server.store.operators import users
from server.store.operators.users import OperatorRole, PartnerRole
from server.store.proposals.proposals import Effect


class Lamp:
    """A sample act: it switches off a lamp in the test."""

    def __init__(self) -> None:
        """Start with the lamp on."""
        self.is_on, self.room = True, "hall"
        self.signed: Signatures | None = None
        self.action = DualControlAction("lamp-off", self.effects, self.carry_out)

    def effects(self, _hub: Hub, _tx: Tx, arguments: Arguments) -> Effects:
        if arguments["lamp"] != 1:
            raise ValueError("there is no such lamp")
        return Effects([Effect("lamp", {"room": self.room})], {"is_on": self.is_on})

    def carry_out(self, _hub: Hub, _tx: Tx, _arguments: Arguments, signatures: Signatures) -> list[Effect]:
        self.is_on, self.signed = False, signatures
        return [Effect("dark")]


@pytest.fixture
def hub(initial_store: Path, tmp_path: Path) -> Iterator[Hub]:
    store = Store.open(f"sqlite:///{shutil.copy(initial_store, tmp_path / 'hub.db')}")
    yield Hub(store)
    store.close()


@pytest.fixture
def lamp() -> Lamp:
    return Lamp()


def propose(hub: Hub, lamp: Lamp, by: str = "Anong") -> str:
    with hub.store.begin() as tx:
        return dual_control.propose(hub, tx, lamp.action, {"lamp": 1}, by).id


def confirm(hub: Hub, lamp: Lamp, id_: str, by: str) -> dual_control.Confirmation:
    with hub.store.begin() as tx:
        return dual_control.confirm(hub, tx, {lamp.action.name: lamp.action}, id_, by)


def test_proposal_is_confirmed_by_another_person(hub: Hub, lamp: Lamp) -> None:
    id_ = propose(hub, lamp)
    assert lamp.is_on
    found, done = confirm(hub, lamp, id_, "Boon")
    assert (found.state, found.decided_by, done) == ("confirmed", "Boon", [Effect("dark")])
    assert lamp.signed == Signatures(id_, "Anong", "Boon")


@pytest.mark.parametrize("name", ["Anong", "ANONG", " anong ", "An\u200bong", "\uff21nong", "Ano\u00adng", "ano\x00ng"])
def test_person_cannot_confirm_an_own_proposal(hub: Hub, lamp: Lamp, name: str) -> None:
    id_ = propose(hub, lamp)
    for more in ("", "\ufe0f", "\u3164", "\uffa0", "\u034f", "\u2800", "\u115f", "\U000e0100"):
        with pytest.raises(NotAllowed, match="another person"):
            confirm(hub, lamp, id_, name + more)
        assert lamp.is_on, ascii(more)


@pytest.mark.parametrize("name", ["", "  ", "\u200b", "\u3164", "\u2800\ufe0f"])
def test_person_without_a_name_can_do_nothing(hub: Hub, lamp: Lamp, name: str) -> None:
    with pytest.raises(NotAllowed):
        propose(hub, lamp, name)
    id_ = propose(hub, lamp)
    with pytest.raises(NotAllowed):
        confirm(hub, lamp, id_, name)
    assert lamp.is_on


@pytest.mark.parametrize("what", ["is_on", "room"])
def test_change_since_the_proposal_voids_it(hub: Hub, lamp: Lamp, what: str) -> None:
    id_ = propose(hub, lamp)
    setattr(lamp, what, "cellar")
    found, done = confirm(hub, lamp, id_, "Boon")
    assert (found.state, done, lamp.signed) == ("void", (), None)
    with pytest.raises(NotAllowed, match="is void"):
        confirm(hub, lamp, id_, "Boon")


def test_a_rejected_proposal_and_one_that_is_done_are_over(hub: Hub, lamp: Lamp) -> None:
    id_ = propose(hub, lamp)
    with hub.store.begin() as tx:
        assert dual_control.reject(hub, tx, id_, "Anong").state == "rejected"
    with pytest.raises(NotAllowed, match="is rejected"):
        confirm(hub, lamp, id_, "Boon")
    again = propose(hub, lamp)
    confirm(hub, lamp, again, "Boon")
    with pytest.raises(NotAllowed, match="is confirmed"):
        confirm(hub, lamp, again, "Chai")


def test_only_the_proposer_withdraws_a_proposal(hub: Hub, lamp: Lamp) -> None:
    id_ = propose(hub, lamp)
    with hub.store.begin() as tx:
        with pytest.raises(NotAllowed, match="reject it"):
            dual_control.withdraw(hub, tx, id_, "Boon")
        assert dual_control.withdraw(hub, tx, id_, "anong").state == "withdrawn"
    with pytest.raises(NotAllowed, match="is withdrawn"):
        confirm(hub, lamp, id_, "Boon")


def test_open_proposals_of_a_person_are_limited(hub: Hub, lamp: Lamp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dual_control, "MOST_OPEN", 1)
    id_ = propose(hub, lamp)
    with pytest.raises(TooManyOpen, match="withdraw"):
        propose(hub, lamp)
    with hub.store.begin() as tx:
        dual_control.withdraw(hub, tx, id_, "Anong")
    assert propose(hub, lamp)


def test_impossible_act_is_not_proposed(hub: Hub, lamp: Lamp) -> None:
    with hub.store.begin() as tx, pytest.raises(ValueError, match="no such lamp"):
        dual_control.propose(hub, tx, lamp.action, {"lamp": 2}, "Anong")


def test_the_audit_trail_has_each_step(hub: Hub, lamp: Lamp) -> None:
    id_ = propose(hub, lamp)
    confirm(hub, lamp, id_, "Boon")
    with hub.store.read() as tx:
        steps = {(entry.event.method, entry.event.remote, entry.event.reference) for entry in audit.tail(tx, 10)}
    assert {("PROPOSE", "Anong", id_), ("CONFIRM", "Boon", id_)} <= steps


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        ({"email": "anong@bank.example"}, {"subject": "17", "email": "anong@bank.example"}, SamePerson.ADDRESS),
        ({"email": "anong@bank.example"}, {"subject": "17", "email": "boon@bank.example"}, None),
        ({}, {"subject": "17", "email": "anong@bank.example"}, SamePerson.UNKNOWN),
        ({"email": "anong@bank.example"}, {"subject": "17"}, SamePerson.UNKNOWN),
        ({"subject": "16"}, {"subject": "17"}, None),
        ({}, {}, None),
        ({}, {"by": "Anong"}, SamePerson.NEW),
        ({"by": "BOON"}, {}, SamePerson.NEW),
        ({}, {"shown_to": "anong"}, SamePerson.NEW),
        ({"shown_to": "Chai"}, {"by": "Chai"}, SamePerson.NEW),
        ({"shown_to": "Malee"}, {"by": "Malee"}, None),
    ],
)
def test_two_accounts_of_one_identity_are_one_person(
    hub: Hub, lamp: Lamp, first: dict[str, str], second: dict[str, str], reason: SamePerson | None
) -> None:
    with hub.store.begin() as tx:
        partners.add(
            tx, Partner(name="First Bank", kind=PartnerKind.BANK, country="TH", identity=ids.identity("First Bank"))
        )
        users.add(tx, "Chai", OperatorRole.ADMIN, "root")
        # A partner's user is not one of the two persons.
        users.add(tx, "Malee", PartnerRole.ADMIN, "root", "First Bank")
        for name, given in (("Anong", first), ("Boon", second)):
            if "subject" in given:
                users.add_by_subject(tx, given["subject"], name, OperatorRole.APPROVER, given.get("email"))
            else:
                email, shown_to = given.get("email"), given.get("shown_to", "")
                users.add(tx, name, OperatorRole.APPROVER, given.get("by", "root"), email=email, shown_to=shown_to)
        assert same_persons(tx, "Boon", 7).count("Anong") == (reason is not None)
    id_ = propose(hub, lamp)
    if reason is None:
        assert confirm(hub, lamp, id_, "Boon").done
        return
    with pytest.raises(NotASecondPerson) as refused:
        confirm(hub, lamp, id_, "Boon")
    assert (refused.value.same, lamp.is_on) == (reason, True)
    confirm(hub, lamp, id_, "Dao")


def test_account_is_new_for_some_days_and_after_a_new_link(hub: Hub, lamp: Lamp) -> None:
    long_ago = timestamp.now() - timedelta(days=8)
    with timestamp.frozen_at(long_ago), hub.store.begin() as tx:
        users.add(tx, "Anong", OperatorRole.ADMIN, "root")
        users.add(tx, "Boon", OperatorRole.APPROVER, "Anong")
    with hub.store.read() as tx:
        assert same_person(tx, "Anong", "Boon", 7) is None
        assert same_person(tx, "Anong", "Boon", 9) is SamePerson.NEW
    with hub.store.begin() as tx:
        users.renew_link(tx, "Boon", "Anong")
        assert same_person(tx, "Anong", "Boon", 7) is SamePerson.NEW
