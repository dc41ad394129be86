"""The clock of takedown requests: it starts at the first provable moment, and is stored."""

import pytest

from schemas.partner import Partner
from schemas.request import RequestReason
from schemas.takedown import ServedBy
from server.features.notices.statement import statement, value_of
from server.features.objections import records as objections
from server.features.objections.operations import DecideObjection
from server.features.objections.records import Objection
from server.features.requests import desk, hub_requests, records as requests, serving
from server.features.requests.ageing import age
from server.operations.operation import Actor
from server.operations.run import run
from server.release.hub import Hub
from server.store import collections, read_progress
from server.store.database.times import now
from tests.unit.server.features.requests.test_requests import notes, registered, sent
from tests.unit.server.features.requests.test_takedowns import (
    LOCATION,
    answered,
    asked,
    hub,
    notice,
    opened,
    platform,
    police,
    stored,
)

__all__ = ["hub", "platform", "police"]
HOUR = 3_600_000_000


def read_over_taxii(hub: Hub, partner: Partner, up_to: int) -> None:
    with hub.store.begin() as tx:
        collection = collections.private_collection(tx, partner.name, "requests")
        read_progress.record_reads(tx, [(partner.name, collection.id, up_to)])


def test_reading_over_taxii_starts_the_clock(hub: Hub, police: Partner, platform: Partner) -> None:
    id_ = opened(hub, police, deadline="2h").id
    assert serving.serve_reads(hub) == 0
    read_over_taxii(hub, platform, now())
    assert serving.serve_reads(hub) == 1
    found = stored(hub, id_)
    assert (found.served_by, found.deadline) == ("taxii", (found.served_at or 0) + 2 * HOUR)
    [told] = notes(hub, police)
    assert told["served_by"] == "taxii"
    assert told["due_at"] > told["served_at"]
    assert serving.serve_reads(hub) == 0


def test_request_sent_after_the_read_is_not_served(hub: Hub, police: Partner, platform: Partner) -> None:
    before = now()
    id_ = opened(hub, police).id
    read_over_taxii(hub, platform, before - 1)
    assert serving.serve_reads(hub) == 0
    assert stored(hub, id_).served_at is None


def test_another_partners_read_serves_nothing(hub: Hub, police: Partner, platform: Partner) -> None:
    id_ = opened(hub, police).id
    read_over_taxii(hub, police, now())
    serving.serve_reads(hub)
    serving.served_on_reading(hub.store, [(id_, "sender")], ServedBy.API)
    with hub.store.begin() as tx:
        assert serving.pushed(tx, police.name, [f"note--{id_}"]) == 0
    assert stored(hub, id_).served_at is None


def test_first_proof_counts(hub: Hub, police: Partner, platform: Partner) -> None:
    id_ = opened(hub, police).id
    with hub.store.begin() as tx:
        assert serving.pushed(tx, platform.name, [f"note--{id_}", "indicator--x"]) == 1
    first = stored(hub, id_)
    serving.served_on_reading(hub.store, [(id_, "addressee")], ServedBy.API)
    with hub.store.begin() as tx:
        assert serving.served(tx, [id_], ServedBy.MAIL, now() + HOUR) == 0
    assert (first.served_by, stored(hub, id_).served_at) == ("webhook", first.served_at)


def test_overdue_request_reminds_its_parties(hub: Hub, police: Partner, platform: Partner) -> None:
    id_ = opened(hub, police, deadline="2h").id
    serving.served_on_reading(hub.store, [(id_, "addressee")], ServedBy.API)
    served = stored(hub, id_).served_at or 0
    age(hub, served + 2 * HOUR - 1)
    assert not stored(hub, id_).reminded
    age(hub, served + 2 * HOUR)
    assert stored(hub, id_).reminded
    with hub.store.read() as tx:
        assert requests.current(tx, served + 2 * HOUR + 1).overdue == 1
        assert requests.current(tx, served + 2 * HOUR).overdue == 0


def test_response_of_an_addressee_outside_the_hub_is_recorded(hub: Hub) -> None:
    with hub.store.begin() as tx:
        made = hub_requests.send_for_hub(hub, tx, notice(addressee=None), outside="abuse@registrar.example")
        assert serving.served(tx, [made.id], ServedBy.MAIL) == 1
        assert [found.id for found in requests.without_addressee(tx, 10)] == [made.id]
    with hub.store.begin() as tx:
        hub_requests.record_response(hub, tx, made.id, answered(made.id, "removed"))
        [view] = desk.every(tx, [requests.find(tx, [made.id])[made.id]])
    assert (view.sender, view.addressee, view.response) == ("hub", "abuse@registrar.example", "removed")
    assert (view.state, view.served_by) == ("done", "mail")


def test_sending_for_the_hub_under_a_used_id_opens_nothing(hub: Hub) -> None:
    with hub.store.begin() as tx:
        first, again = (
            hub_requests.send_for_hub(hub, tx, notice(addressee=None), outside="abuse@registrar.example", sent_as="x")
            for _ in range(2)
        )
    assert first.id == again.id


def test_delisting_asks_to_restore_what_took_effect(hub: Hub, police: Partner, platform: Partner) -> None:
    done, open_ = opened(hub, police, reference="A").id, opened(hub, police, reference="B").id
    sent(hub, platform, answered(done, "removed"))
    found, why = [stored(hub, done), stored(hub, open_)], RequestReason.LISTING_ENDED
    with hub.store.begin() as tx:
        made = hub_requests.restore(hub, tx, found, "DELISTED-1", why)
    with hub.store.begin() as tx:
        again = hub_requests.restore(hub, tx, found, "DELISTED-1", why)
    assert [one.id for one in made] == [one.id for one in again]
    [restoring] = made
    [note] = [note for note in notes(hub, platform) if note["asks"] == "restore"]
    assert (note["restores"], note["sender"], note["location"]) == (done, "hub", LOCATION)
    assert "authority" not in note
    assert stored(hub, open_).state == "closed"
    with hub.store.read() as tx:
        assert desk.show(tx, police, restoring.id).role == "follower"
    assert sent(hub, platform, answered(restoring.id, "restored")).view.state == "done"


@pytest.mark.parametrize("is_order", [False, True])
def test_cleared_objection_undoes_notices_and_tells_the_authorities_of_orders(
    hub: Hub, police: Partner, platform: Partner, is_order: bool
) -> None:
    done = sent(hub, police, asked() if is_order else notice()).view.id
    sent(hub, platform, answered(done, "removed"))
    at, subject = now(), stored(hub, done).subject
    with hub.store.begin() as tx:
        objections.add(tx, Objection("cleared", "url", "other", None, None, at, at), [subject])
    run(hub, DecideObjection(id="cleared"), Actor.system("Anong"))
    restoring = [note for note in notes(hub, platform) if note["asks"] == "restore"]
    if is_order:
        [note] = notes(hub, police)
        assert (restoring, note["state"], note["steps"][-1]["reason"]) == ([], "done", "listing-ended")
    else:
        [note] = restoring
        assert (note["restores"], note["reference"]) == (done, "DELISTED")


def test_stranger_cannot_tell_that_a_takedown_exists(hub: Hub, police: Partner, platform: Partner) -> None:
    stranger = registered(hub.store, "Other Platform")
    opened(hub, police)
    with hub.store.read() as tx:
        assert desk.list_(tx, stranger) == []


def test_proof_of_notice_has_the_request_and_when_it_was_served(hub: Hub, police: Partner, platform: Partner) -> None:
    id_ = opened(hub, police, deadline="2h").id
    serving.served_on_reading(hub.store, [(id_, "addressee")], ServedBy.API)
    with hub.store.read() as tx:
        stated = statement(tx, value_of(LOCATION, "url"), platform)
        other = statement(tx, value_of(LOCATION, "url"), police)
    [row] = stated["requests"]
    assert (row["id"], row["location"], row["served_by"]) == (id_, LOCATION, "api")
    assert row["due_at"] > row["served_at"]
    assert other["requests"] == []
