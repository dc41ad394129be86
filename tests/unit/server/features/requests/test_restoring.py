"""After the last report of a value was retracted, hosts that acted on a notice are asked to restore."""

from typing import Any

import pytest

from mappers.indicator import to_stix
from schemas import timestamp
from schemas.partner import Partner, PartnerKind
from schemas.tabular import ReportReader
from schemas.vocabulary import QualificationCode
from server.features.findings.answering import GivenAnswer
from server.features.findings.operations import ReportFindings
from server.features.requests import records as requests
from server.features.requests.clock import RequestClock
from server.operations.operation import Actor
from server.operations.run import run
from server.release.contribute import contribute
from server.release.hold import hold_all
from server.release.hub import Hub
from server.release.reasons import Reason
from server.release.retract import retract
from server.store import Store, partners, value_index
from server.store.item import Item
from tests.unit.server.features.requests.test_requests import notes, registered, sent
from tests.unit.server.features.requests.test_takedowns import answered, asked, hub, notice, platform, police, stored

__all__ = ["hub", "platform", "police"]
PLACE = "https://scam-shop.com/pay"


@pytest.fixture
def bank(store: Store) -> Partner:
    found = registered(store, "First Bank", PartnerKind.BANK)
    with store.begin() as tx:
        partners.change(tx, found.model_copy(update={"trusted": True}))
        return partners.get(tx, "First Bank")


def report(hub: Hub, bank: Partner, kind: str = "url", value: str = PLACE) -> None:
    reader = ReportReader({"reporter": bank.name, "kind": kind, "tlp": "green", "scam_type": "investment"})
    given = reader.report({"value": value, "reported_at": timestamp.text(timestamp.now())})
    with hub.store.begin() as tx:
        done = contribute(hub, tx, bank, [Item.of(obj) for obj in to_stix(given)])
    assert not done.failed, done.failed


def restores(hub: Hub, platform: Partner) -> list[Any]:
    return [note for note in notes(hub, platform) if note["asks"] == "restore"]


def taken_down(hub: Hub, police: Partner, platform: Partner, **columns: Any) -> str:
    id_ = sent(hub, police, notice(of=PLACE, **columns)).view.id
    sent(hub, platform, answered(id_, "removed"))
    return id_


@pytest.mark.parametrize("by_hub", [False, True])
def test_retraction_of_the_last_report_asks_to_restore(
    hub: Hub, police: Partner, platform: Partner, bank: Partner, by_hub: bool
) -> None:
    report(hub, bank)
    done = taken_down(hub, police, platform)
    open_ = sent(hub, police, notice(of=PLACE, reference="B")).view.id
    with hub.store.begin() as tx:
        assert retract(hub, tx, PLACE, None if by_hub else bank)
    clock = RequestClock(hub)
    clock.step()
    clock.step()
    [note] = restores(hub, platform)
    assert (note["restores"], note["sender"], note["reference"]) == (done, "hub", "RETRACTED")
    assert (stored(hub, open_).state, reason_of(hub, open_)) == ("closed", "listing-ended")
    with hub.store.read() as tx:
        assert [one.id for one in requests.open_restores(tx, 9)] == [note["id"].removeprefix("note--")]


def reason_of(hub: Hub, id_: str) -> str | None:
    with hub.store.read() as tx:
        return requests.steps(tx, [id_])[id_][-1].reason


def told_of(hub: Hub, id_: str) -> list[tuple[str, str | None]]:
    """Return the steps of the hub in a request: the state, and the reason."""
    with hub.store.read() as tx:
        return [(step.state, step.reason) for step in requests.steps(tx, [id_])[id_] if step.by == "hub"]


def test_notice_about_a_value_that_was_reported_later_by_others_stays(
    hub: Hub, police: Partner, platform: Partner, bank: Partner
) -> None:
    open_, done = sent(hub, police, notice(of=PLACE)).view.id, taken_down(hub, police, platform, reference="B")
    report(hub, bank)
    with hub.store.begin() as tx:
        retract(hub, tx, PLACE, bank)
    RequestClock(hub).step()
    assert (stored(hub, open_).state, stored(hub, done).state) == ("open", "done")
    assert restores(hub, platform) == []


def test_notice_ends_with_the_report_of_its_sender(hub: Hub, police: Partner, platform: Partner) -> None:
    open_ = sent(hub, police, notice(of=PLACE)).view.id
    report(hub, police)
    with hub.store.begin() as tx:
        retract(hub, tx, PLACE, police)
    RequestClock(hub).step()
    assert (stored(hub, open_).state, reason_of(hub, open_)) == ("closed", "listing-ended")
    [read] = [note for note in notes(hub, platform) if note["asks"] == "take-down"]
    assert (read["state"], read["steps"][-1]["reason"]) == ("closed", "listing-ended")


def test_order_is_left_to_its_authority(hub: Hub, police: Partner, platform: Partner, bank: Partner) -> None:
    report(hub, bank)
    id_ = sent(hub, police, asked(of=PLACE)).view.id
    sent(hub, platform, answered(id_, "removed"))
    with hub.store.begin() as tx:
        retract(hub, tx, PLACE, bank)
    for _ in range(2):
        RequestClock(hub).step()
    assert restores(hub, platform) == []
    assert told_of(hub, id_) == [("done", "listing-ended")]


def test_delisted_value_with_reports_is_not_restored(
    hub: Hub, police: Partner, platform: Partner, bank: Partner
) -> None:
    report(hub, bank)
    id_ = taken_down(hub, police, platform)
    with hub.store.begin() as tx:
        subject = stored(hub, id_).subject
        keys = {key for key in value_index.find(tx, [subject])[subject] if "indicator--" in key}
        assert hold_all(hub, tx, keys, Reason.NEW_OWNER, "the domain was registered again")
    RequestClock(hub).step()
    assert restores(hub, platform) == []
    # The review finds it wrong.
    with hub.store.begin() as tx:
        assert retract(hub, tx, PLACE)
    RequestClock(hub).step()
    assert len(restores(hub, platform)) == 1


PROFILE = "social-account:line:scam_shop"


@pytest.mark.parametrize(("code", "is_asked"), [("genuine", True), ("fraud", False)])
def test_finding_of_the_provider_asks_to_restore_earlier_notices(
    hub: Hub, police: Partner, platform: Partner, bank: Partner, code: str, is_asked: bool
) -> None:
    report(hub, bank, "social-account", PROFILE.partition(":")[2])
    earlier = sent(hub, police, notice(asks="suspend", of=PROFILE)).view.id
    sent(hub, platform, answered(earlier, "suspended"))
    finding = GivenAnswer(frozenset((PROFILE,)), QualificationCode(code))
    [found] = run(hub, ReportFindings(partner=platform, findings=(finding,)), Actor.system("Anong"))
    assert found.refused is None
    later = sent(hub, police, notice(asks="suspend", of=PROFILE, reference="B")).view.id
    sent(hub, platform, answered(later, "suspended"))
    for _ in range(2):
        RequestClock(hub).step()
    asked_for = [(note["restores"], note["reference"]) for note in restores(hub, platform)]
    assert asked_for == ([(earlier, "FINDING")] if is_asked else [])
