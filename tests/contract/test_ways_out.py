"""The rules of listing apply to every way out: each way, before and after each event, seen from outside the hub.

Ways and events come from the registries of the gate: a new one without an observer or an act here fails.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from feeds import connectors
from feeds.connector import Push
from schemas.vocabulary import Action, QualificationCode
from server.features.allowlists.operations import AddAllowlistEntry
from server.features.erasures import action as erasure
from server.features.findings.answering import GivenAnswer
from server.features.findings.operations import ReportFindings
from server.features.partners import depart
from server.features.partners.operations import RemovePartner
from server.features.requests.ageing import age
from server.operations import dual_control, registry
from server.operations.operation import Actor
from server.operations.run import run
from server.release.gate.ways import GateEvent, every_way
from server.release.retract import retract
from server.store.database.times import now
from tests.contract.connectors.test_all_channels import peers
from tests.initial_stores import initial_url
from tests.ways_out import HOST, OBSERVERS, REPORTERS, SENDER, WaysOut, ways_out

__all__ = ["peers"]
DAY = 86_400_000_001
ANONG = Actor.system("Anong")
DOMAIN, PROFILE = ("domain", "lucky-prize-claim.com"), ("social-account", "line:lucky_prize")
# Where no registrar is mailed, and browsers do not look.
OF_PROFILES = frozenset(OBSERVERS) - {"mails", "hash-prefixes"}
# The ways of channels that need no removal, or are no push of listings.
NO_LISTINGS = frozenset({"gse-push", "hub-push", "iso20022-push", "notice-push", "taxii-push"})

Act = Callable[[WaysOut, str, str], None]


@pytest.fixture
def world(request: pytest.FixtureRequest, tmp_path: Path, peers: Mapping[str, Any]) -> Iterator[WaysOut]:
    with ways_out(initial_url(request, tmp_path), peers, tmp_path) as made:
        yield made


def enter(world: WaysOut, kind: str, value: str) -> None:
    run(world.hub, AddAllowlistEntry(value=f"{kind}:{value}", reason="a member's page"), ANONG)


def retract_own(world: WaysOut, kind: str, value: str) -> None:
    for name in REPORTERS:
        with world.store.begin() as tx:
            retract(world.hub, tx, value, world.partner(name))


def find_wrong(world: WaysOut, kind: str, value: str) -> None:
    with world.store.begin() as tx:
        retract(world.hub, tx, value)


def clear(world: WaysOut, kind: str, value: str) -> None:
    given = GivenAnswer(frozenset((f"{kind}:{value}",)), QualificationCode.GENUINE)
    [done] = run(world.hub, ReportFindings(partner=world.partner(HOST), findings=(given,)), ANONG)
    assert done.refused is None


def erase(world: WaysOut, kind: str, value: str) -> None:
    with world.store.begin() as tx:
        arguments = erasure.arguments(tx, value, kind, "a court ordered it")
        proposal = dual_control.propose(world.hub, tx, erasure.ACTION, arguments, "Anong")
    with world.store.begin() as tx:
        dual_control.confirm(world.hub, tx, registry.actions(), proposal.id, "Boonmee")
    erasure.finish(world.hub)


def leave(world: WaysOut, kind: str, value: str) -> None:
    for name in REPORTERS:
        run(world.hub, RemovePartner(partner=world.partner(name), reason="it left"), ANONG)
    # The later work of the servers; the requests of a partner end a day later, so that an operator can undo it.
    depart.resume(world.hub, idle_since=now() + 1)
    age(world.hub, now() + DAY)


ACTS: Mapping[GateEvent, Act] = {
    GateEvent.HARMLESS: enter,
    GateEvent.RETRACTED: retract_own,
    GateEvent.FOUND_WRONG: find_wrong,
    GateEvent.CLEARED: clear,
    GateEvent.ERASED: erase,
    GateEvent.LEFT: leave,
}


def test_every_way_has_an_observer_and_every_event_an_act() -> None:
    assert every_way().keys() == OBSERVERS.keys()
    assert set(GateEvent) == ACTS.keys()
    pushes = {name for name, connector in connectors.every().items() if issubclass(connector, Push)}
    assert pushes - NO_LISTINGS == {"file-push", "misp-push", "sentinel-push", "threatexchange-push", "webhook-push"}


@pytest.mark.parametrize("event", list(GateEvent))
def test_value_leaves_on_no_way_after_the_event(world: WaysOut, event: GateEvent) -> None:
    kind, value = PROFILE if event is GateEvent.CLEARED else DOMAIN
    ways = OF_PROFILES if event is GateEvent.CLEARED else frozenset(OBSERVERS)
    for name in REPORTERS:
        done = world.report(name, kind, value)
        assert [*done.failed, *done.held] == []
    assert world.demand(f"{kind}:{value}", "suspend").view.state == "open"
    world.cycle()
    assert world.seen(kind, value) == {way: way in ways for way in OBSERVERS}
    ACTS[event](world, kind, value)
    world.cycle()
    seen = world.seen(kind, value)
    if event is GateEvent.CLEARED:
        # Readers go on to read what was reported, with the provider's finding, and below block.
        assert (world.grade_of(kind, value), seen["requests"]) == (Action.INVESTIGATE, False)
    else:
        assert seen == dict.fromkeys(OBSERVERS, False)


@pytest.mark.parametrize("event", [GateEvent.HARMLESS, GateEvent.FOUND_WRONG, GateEvent.ERASED])
def test_value_leaves_on_no_way_where_the_event_was_before(world: WaysOut, event: GateEvent) -> None:
    kind, value = DOMAIN
    if event is not GateEvent.HARMLESS:
        world.report(SENDER, kind, value)
    ACTS[event](world, kind, value)
    for name in REPORTERS:
        assert world.report(name, kind, value).held
    assert world.demand(f"{kind}:{value}", "suspend").view.state == "held"
    world.cycle()
    assert world.seen(kind, value) == dict.fromkeys(OBSERVERS, False)
