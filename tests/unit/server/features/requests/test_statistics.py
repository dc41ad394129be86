"""Statistics of takedown requests: counted by addressee, month and act, with the times of responses and removals."""

from datetime import timedelta

from schemas import timestamp
from schemas.partner import Partner, PartnerKind
from schemas.takedown import ServedBy
from server.features.liveness import records as liveness
from server.features.liveness.records import LiveValue
from server.features.requests import records as requests
from server.features.requests.serving import served
from server.features.requests.statistics import TakedownFigures, count_takedowns
from server.release.hub import Hub
from server.store.database.times import micros, now
from tests.unit.server.features.requests.test_requests import registered, sent
from tests.unit.server.features.requests.test_takedowns import answered, hub, notice, platform, police, stored

__all__ = ["hub", "platform", "police"]

HOUR = 3_600_000_000


def figures(hub: Hub, addressee: str | None = None) -> list[TakedownFigures]:
    with hub.store.read() as tx:
        return count_takedowns(tx, now(), addressee=addressee).figures


def serve(hub: Hub, id_: str, at: int) -> None:
    with hub.store.begin() as tx:
        assert served(tx, [id_], ServedBy.API, at) == 1


def test_requests_are_counted_by_addressee_month_and_act(hub: Hub, police: Partner, platform: Partner) -> None:
    registered(hub.store, "Other Platform", PartnerKind.PLATFORM, institutions=("social-account:facebook",))
    begin = timestamp.now() - timedelta(hours=10)
    ids = []
    with timestamp.frozen_at(begin):
        for number in range(4):
            place = f"https://shop{number}.example.com/"
            ids.append(sent(hub, police, notice(of=place, deadline="4h", reported_at=begin)).view.id)
        sent(hub, police, notice(asks="block-page", addressee="Other Platform", reported_at=begin))
    for id_ in ids[:3]:
        serve(hub, id_, micros(begin))
    with timestamp.frozen_at(begin + timedelta(hours=2)):
        sent(hub, platform, answered(ids[0], "removed", reported_at=timestamp.now()))
    with timestamp.frozen_at(begin + timedelta(hours=8)):
        sent(hub, platform, answered(ids[1], "rejected", reason="within-terms", reported_at=timestamp.now()))
        sent(hub, platform, answered(ids[1], "removed", reported_at=timestamp.now()))
    with hub.store.begin() as tx:
        subject = stored(hub, ids[0]).subject
        liveness.put_value(tx, LiveValue(subject, "shop0.example.com", micros(begin), None, "indicator--1"), 1)
        liveness.change(tx, "shop0.example.com", gone=micros(begin) + 3 * HOUR)
    month = f"{begin:%Y-%m}"
    mine = TakedownFigures("Example Platform", month, "take-down", 4, 3, 2, 1, 2, 5 * 3_600, 3 * 3_600)
    other = TakedownFigures("Other Platform", month, "block-page", 1, 0, 0, 0, 0, None, None)
    assert figures(hub) == [mine, other]
    assert figures(hub, "Other Platform") == [other]
    assert figures(hub, "Nobody") == []


def test_response_of_the_hub_is_none_of_the_addressee(hub: Hub, police: Partner, platform: Partner) -> None:
    view = sent(hub, police, notice()).view
    serve(hub, view.id, now())
    with hub.store.begin() as tx:
        requests.add_step(tx, requests.StoredStep(view.id, 1, "done", now(), "hub", response="already-gone"))
        requests.change(tx, stored(hub, view.id)._replace(state="done", response="already-gone", responded_at=now()))
    assert [(one.served, one.answered, one.late) for one in figures(hub)] == [(1, 0, 0)]


def test_older_months_and_too_many_requests_are_left_out(hub: Hub, police: Partner, platform: Partner) -> None:
    for number in range(3):
        sent(hub, police, notice(of=f"https://shop{number}.example.com/"))
    with hub.store.read() as tx:
        later = now() + 400 * 24 * HOUR
        assert count_takedowns(tx, later, months=3).figures == []
        found = count_takedowns(tx, now(), most=2)
    assert (found.is_whole, [one.requests for one in found.figures]) == (False, [2])
