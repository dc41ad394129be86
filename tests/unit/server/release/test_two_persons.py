"""What takes two persons is done when another person confirms it, exactly as it was proposed."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.release import two_persons
from server.release.hub import Hub
from server.release.two_persons import Arguments, Effects, NotAllowed, Signatures, TwoPersonAction
from server.store import Store, audit
from server.store.database.engine import Tx
from server.store.proposals.proposals import Effect


class Lamp:
    """Something to do: a lamp in the test, which goes out."""

    def __init__(self) -> None:
        """Begin with the lamp on."""
        self.is_on, self.room = True, "hall"
        self.signed: Signatures | None = None
        self.action = TwoPersonAction("lamp-off", self.effects, self.carry_out)

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
        return two_persons.propose(hub, tx, lamp.action, {"lamp": 1}, by).id


def confirm(hub: Hub, lamp: Lamp, id_: str, by: str) -> two_persons.Confirmation:
    with hub.store.begin() as tx:
        return two_persons.confirm(hub, tx, {lamp.action.name: lamp.action}, id_, by)


def test_what_one_proposes_another_confirms(hub: Hub, lamp: Lamp) -> None:
    id_ = propose(hub, lamp)
    assert lamp.is_on
    found, done = confirm(hub, lamp, id_, "Boon")
    assert (found.state, found.decided_by, done) == ("confirmed", "Boon", [Effect("dark")])
    assert lamp.signed == Signatures(id_, "Anong", "Boon")


@pytest.mark.parametrize("name", ["Anong", "ANONG", " anong ", "An\u200bong", "\uff21nong", "Ano\u00adng", "ano\x00ng"])
@pytest.mark.parametrize(
    "more", ["", "\ufe0f", "\u3164", "\uffa0", "\u034f", "\u2800", "\u115f", "\U000e0100"], ids=ascii
)
def test_nobody_confirms_what_is_their_own(hub: Hub, lamp: Lamp, name: str, more: str) -> None:
    id_ = propose(hub, lamp)
    with pytest.raises(NotAllowed, match="somebody else"):
        confirm(hub, lamp, id_, name + more)
    assert lamp.is_on


@pytest.mark.parametrize("name", ["", "  ", "\u200b", "\u3164", "\u2800\ufe0f"])
def test_somebody_without_a_name_does_nothing(hub: Hub, lamp: Lamp, name: str) -> None:
    with pytest.raises(NotAllowed):
        propose(hub, lamp, name)
    id_ = propose(hub, lamp)
    with pytest.raises(NotAllowed):
        confirm(hub, lamp, id_, name)
    assert lamp.is_on


@pytest.mark.parametrize("what", ["is_on", "room"])
def test_what_has_changed_meanwhile_makes_it_void(hub: Hub, lamp: Lamp, what: str) -> None:
    id_ = propose(hub, lamp)
    setattr(lamp, what, "cellar")
    found, done = confirm(hub, lamp, id_, "Boon")
    assert (found.state, done, lamp.signed) == ("void", (), None)
    with pytest.raises(NotAllowed, match="is void"):
        confirm(hub, lamp, id_, "Boon")


def test_a_rejected_proposal_and_one_that_is_done_are_over(hub: Hub, lamp: Lamp) -> None:
    id_ = propose(hub, lamp)
    with hub.store.begin() as tx:
        assert two_persons.reject(tx, id_, "Anong").state == "rejected"
    with pytest.raises(NotAllowed, match="is rejected"):
        confirm(hub, lamp, id_, "Boon")
    again = propose(hub, lamp)
    confirm(hub, lamp, again, "Boon")
    with pytest.raises(NotAllowed, match="is confirmed"):
        confirm(hub, lamp, again, "Chai")


def test_what_cannot_be_done_is_not_proposed(hub: Hub, lamp: Lamp) -> None:
    with hub.store.begin() as tx, pytest.raises(ValueError, match="no such lamp"):
        two_persons.propose(hub, tx, lamp.action, {"lamp": 2}, "Anong")


def test_the_audit_trail_has_each_step(hub: Hub, lamp: Lamp) -> None:
    id_ = propose(hub, lamp)
    confirm(hub, lamp, id_, "Boon")
    with hub.store.read() as tx:
        steps = {(entry.event.method, entry.event.remote, entry.event.reference) for entry in audit.tail(tx, 10)}
    assert {("PROPOSE", "Anong", id_), ("CONFIRM", "Boon", id_)} <= steps
