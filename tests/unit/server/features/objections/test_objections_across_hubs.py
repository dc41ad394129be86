"""Objections are passed on to the hubs whose partners report the value, and their answers return."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mappers.indicator import to_stix
from schemas import timestamp
from schemas.api.statements import Ground
from schemas.tabular import ReportReader
from server.features.objections import decide, records as objections
from server.features.objections.records import Objection
from server.release.contribute import contribute
from server.store.database.times import now
from server.store.item import Item
from server.store.peer_messages import messages
from tests.unit.server.features.requests.linked_hubs import LinkedHub, exchange, linked

DOMAIN = "bad-shop.com"
DAY = 86_400_000_000


@pytest.fixture
def hubs(initial_store: Path, tmp_path: Path) -> Iterator[list[LinkedHub]]:
    with linked(initial_store, tmp_path, "TH", "KH") as found:
        found[0].join("Thai Bank")
        yield found


def report(hub: LinkedHub, by: str) -> None:
    given = {"reporter": by, "reported_at": timestamp.text(timestamp.now()), "kind": "domain", "tlp": "green"}
    objects = to_stix(ReportReader(given).report({"value": DOMAIN}))
    with hub.hub.store.begin() as tx:
        assert not contribute(hub.hub, tx, hub.partners[by], [Item.of(obj) for obj in objects]).failed


def objected(hub: LinkedHub) -> str:
    """Store an objection of a person, and look its listings up."""
    new = Objection(objections.new_id(), "domain", Ground.OWN_BUSINESS, None, None, now(), now() + 15 * DAY)
    with hub.hub.store.begin() as tx:
        objections.add(tx, new, [f"domain:{DOMAIN}"])
    decide.route_new(hub.hub)
    return new.id


def stored(hub: LinkedHub) -> list[Objection]:
    with hub.hub.store.read() as tx:
        return objections.all_objections(tx, every=True)


def test_an_objection_reaches_the_hub_whose_partner_reports_and_the_answer_returns(hubs: list[LinkedHub]) -> None:
    thai, khmer = hubs
    report(thai, "Thai Bank")
    exchange(*hubs)
    id_ = objected(khmer)
    exchange(*hubs)
    [received] = stored(thai)
    assert (received.ground, received.contact, received.answer) == ("own-business", None, None)
    decide.route_new(thai.hub)
    exchange(*hubs)
    assert len(stored(khmer)) == 1
    with thai.hub.store.begin() as tx:
        decide.clear(thai.hub, tx, received.id, "Anong")
    exchange(*hubs)
    with khmer.hub.store.read() as tx:
        assert objections.hubs_of(tx, id_) == [(thai.signer.name, id_, "cleared")]
        assert objections.find(tx, id_).answer is None
    assert not thai.refused + khmer.refused


def test_an_objection_to_own_reports_is_not_passed_on(hubs: list[LinkedHub]) -> None:
    thai, khmer = hubs
    report(thai, "Thai Bank")
    objected(thai)
    exchange(*hubs)
    assert stored(khmer) == []


def test_a_hub_cannot_answer_what_it_was_not_asked_or_flood_the_desk(hubs: list[LinkedHub]) -> None:
    thai, khmer = hubs
    id_ = objected(thai)
    with khmer.hub.store.begin() as tx:
        messages.put(tx, thai.signer.name, id_, "objection-answer", {"answer": "cleared"})
        for number in range(3):
            content = {"about": [f"domain:{DOMAIN}"], "ground": "hacked", "due": 1}
            messages.put(tx, thai.signer.name, f"thread-{number:04d}", "objection", content)
    exchange(*hubs)
    assert thai.refused == {"unknown-objection": 1}
    assert [one.ground for one in stored(thai)] == ["own-business", "hacked"]
    assert min(one.due for one in stored(thai)) > now()
