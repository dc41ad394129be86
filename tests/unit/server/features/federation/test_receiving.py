"""A hub receives the reports of other hubs: hostile relays, silent hubs, contradictions, quotas and erasures."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest
from sqlalchemy import update

from schemas import hub_head, hub_report, timestamp
from schemas.hub_report import EXTENSION
from schemas.tlog.notes import SignerKey
from server.features.federation import copies, heads, origins, receiving, settling, stored, sweep
from server.features.federation.checking import (
    BAD_FORM,
    BAD_SIGNATURE,
    PASSED_ON,
    TOO_MANY,
    UNKNOWN_KEY,
    UNKNOWN_ORIGIN,
)
from server.features.federation.completing import Completion, ReceivedSet
from server.features.federation.states import OriginState, states
from server.features.federation.stored import COUNTS, EMPTY, HELD, LIMITED, UNKNOWN_VERSION, WAITS
from server.features.federation.tables import hub_heads
from server.release import review
from server.release.guard import volume
from server.release.guard.allowlists.entered import entry_of
from server.release.hub import Hub
from server.store import collections, log, reviews
from server.store.allowlist import entries
from server.store.database.times import now, stix_stamp
from server.store.objects.query import Query
from server.store.proposals import proposals
from tests.postgres import Postgres
from tests.times import text_ago
from tests.unit.server.features.federation.network import VALUES, Link, Network, TestHub, topology

DOMAIN, OTHER, ACCOUNT, _ = VALUES
HOUR = 3_600_000_000
LONG = {"at": text_ago(days=2), "until": "2126-01-01T00:00:00Z"}

Makes = Callable[..., Network]


@pytest.fixture(params=["sqlite", "postgresql"])
def makes(request: pytest.FixtureRequest, initial_store: Path, tmp_path: Path) -> Iterator[Makes]:
    """Make a network of some hubs in a topology."""
    made: list[TestHub] = []
    databases: list[str] = []

    def url(name: str) -> str:
        if request.param == "sqlite":
            return f"sqlite:///{shutil.copy(initial_store, tmp_path / f'{name}.db')}"
        server: Postgres = request.getfixturevalue("postgres")
        databases.append(server.database(request.getfixturevalue("postgres_initial")))
        return server.url(databases[-1])

    def make(number: int = 2, shape: str = "line", **settings: Any) -> Network:
        countries = ("TH", "KH", "VN", "SG")
        made.extend(TestHub(url(f"H{at}"), f"H{at}", countries[at]) for at in range(number))
        for hub in made:
            hub.meets((other for other in made if other is not hub), **settings)
        edges = topology(shape, number)
        return Network(made, {(one, other): Link() for edge in edges for one, other in (edge, edge[::-1])})

    yield make
    for hub in made:
        hub.store.close()
    for name in databases:
        request.getfixturevalue("postgres").drop(name)


def state_of(hub: TestHub, origin: TestHub, at: int | None = None) -> OriginState:
    with hub.store.read() as tx:
        return next(state for state in states(tx, hub.hub, at) if state.origin == origin.origin)


def rows_of(hub: TestHub, origin: TestHub, stream: str = "open") -> list[stored.StoredReport]:
    with hub.store.read() as tx:
        return list(stored.every(tx, origin.origin, stream))


def relayed(hub: TestHub) -> list[dict[str, Any]]:
    """Return the objects that a hub's own ``hub-reports`` has."""
    with hub.store.begin() as tx:
        page = log.page(tx, collections.hub_reports(tx), Query())
    return list(map(msgspec.json.decode, page.bodies))


def changed(hub: TestHub, body: bytes, **changes: Any) -> bytes:
    """Return a report with another content, signed by its origin."""
    obj = orjson.loads(body)
    own = obj["extensions"][EXTENSION]["hub_report"]
    own |= {name: value for name, value in changes.items() if name not in ("confidence", "modified")}
    del own["signature"]
    obj |= {name: value for name, value in changes.items() if name in ("confidence", "modified")}
    return hub_report.sign(obj, hub.keys.log[0])


def accept(hub: TestHub, peer: TestHub, *objects: bytes) -> receiving.Accepted:
    with hub.store.begin() as tx:
        return receiving.accept(hub.hub, tx, hub.peer(peer), objects)


def refusals(hub: TestHub) -> set[tuple[str, str, str]]:
    with hub.store.read() as tx:
        return {(found.peer, found.origin, found.reason) for found in origins.all_refusals(tx)}


def test_altering_relay_is_named_and_nothing_of_it_is_stored(makes: Makes) -> None:
    network = makes(3)
    first, relay, last = network.hubs
    network.links[2, 1].objects = lambda bodies: [body.replace(b'"confidence":', b'"confidence":1') for body in bodies]
    first.report(first.partners[0], DOMAIN, 1, confidence="8")
    for _ in range(3):
        network.round()
    assert relay.listed(DOMAIN) is not None
    assert last.listed(DOMAIN) is None
    assert not rows_of(last, first)
    assert ("Hub H1", first.origin, BAD_SIGNATURE) in refusals(last)
    assert state_of(last, first).refused[0].peer == "Hub H1"


def test_relay_that_withholds_a_retraction_is_incomplete_until_another_path_delivers_it(makes: Makes) -> None:
    network = makes(3)
    first, relay, last = network.hubs
    first.report(first.partners[0], DOMAIN, 1, confidence="80")
    network.round()
    network.round()
    old = relay.active(first.origin, "open")
    network.links[2, 1].objects = lambda bodies: old
    first.retract(first.partners[0], DOMAIN)
    network.round()
    network.round()
    assert relay.listed(DOMAIN) is None
    assert last.listed(DOMAIN) is not None
    assert state_of(last, first).words == ("incomplete",)
    assert state_of(last, first).incomplete == {"Hub H1"}
    last.read(first, Link())
    assert last.listed(DOMAIN) is None
    assert state_of(last, first).state == "current"
    # A replay of the retracted report is older than the completed head.
    assert accept(last, relay, *old).known == 1
    assert last.listed(DOMAIN) is None


def test_relay_that_withholds_heads_too_makes_the_origin_stale_and_blocks_no_value(makes: Makes) -> None:
    network = makes(2)
    first, last = network.hubs
    first.report(first.partners[0], DOMAIN, 1, confidence="80")
    first.report(first.partners[1], DOMAIN, 2, confidence="80")
    network.round()
    assert last.listed(DOMAIN) == first.listed(DOMAIN)
    assert last.listed(DOMAIN) is not None
    with last.store.begin() as tx:
        tx.execute(update(hub_heads).values(received=now() - 25 * HOUR))
    sweep.look(last.hub)
    assert sweep.release_pending(last.hub) is False
    listed = last.listed(DOMAIN)
    assert listed is not None
    assert listed[1] == "warn"
    assert state_of(last, first).words == ("stale",)
    network.round()
    with first.store.begin() as tx:
        tx.execute(update(hub_heads).where(hub_heads.c.origin == first.origin).values(number=0))
    first.report(first.partners[2], OTHER, 3, confidence="20")
    network.round()
    sweep.look(last.hub)
    sweep.release_pending(last.hub)
    assert last.listed(DOMAIN) == first.listed(DOMAIN)


def test_reports_of_a_dead_hub_end(makes: Makes) -> None:
    network = makes(2)
    first, last = network.hubs
    first.report(first.partners[0], DOMAIN, 1, confidence="80")
    network.round()
    sweep.look(last.hub, at=now() + 29 * 24 * HOUR)
    assert rows_of(last, first)
    sweep.look(last.hub, at=now() + 31 * 24 * HOUR)
    assert not rows_of(last, first)
    assert last.listed(DOMAIN) is None
    # Another hub that still has them cannot deliver them again.
    body = first.active(first.origin, "open")
    assert accept(last, first, *body).known == 1
    # If the hub returns, they count again.
    first.report(first.partners[0], OTHER, 2, confidence="80")
    network.round()
    assert last.listed(DOMAIN) == first.listed(DOMAIN)


def test_many_values_of_a_first_exchange_are_released_by_the_background_step(
    makes: Makes, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, two = makes(2).hubs
    monkeypatch.setattr(receiving, "RELEASED_AT_FIRST", 1)
    for place, value in enumerate((DOMAIN, OTHER)):
        first.report(first.partners[0], value, place, confidence="80")
    first.publish()
    assert accept(two, first, *first.active(first.origin, "open")).new == 2
    assert two.listed(DOMAIN) is None
    assert sweep.release_pending(two.hub, most=1)
    assert not sweep.release_pending(two.hub, most=10)
    assert (two.listed(DOMAIN), two.listed(OTHER)) == (first.listed(DOMAIN), first.listed(OTHER))


def test_tombstones_that_a_head_covers_are_forgotten_after_some_days(makes: Makes) -> None:
    network = makes(2)
    first, last = network.hubs
    first.report(first.partners[0], DOMAIN, 1, confidence="80")
    network.round()
    old = first.active(first.origin, "open")
    first.retract(first.partners[0], DOMAIN)
    network.round()
    assert [row.state for row in rows_of(last, first)] == [EMPTY]
    sweep.look(last.hub, at=now() + 6 * 24 * HOUR)
    assert rows_of(last, first)
    sweep.look(last.hub, at=now() + 8 * 24 * HOUR)
    assert not rows_of(last, first)
    assert accept(last, first, *old).known == 1


def test_contradiction_reaches_every_hub_and_the_origin_counts_nowhere(makes: Makes) -> None:
    network = makes(3, "star")
    first, two, three = network.hubs
    first.report(first.partners[0], DOMAIN, 1, confidence="80")
    first.publish()
    [body] = first.active(first.origin, "open")
    for hub, one in ((two, body), (three, changed(first, body, confidence=20))):
        assert accept(hub, first, one).new == 1
        assert hub.listed(DOMAIN) is not None
    accept(three, two, *(orjson.dumps(obj) for obj in relayed(two)))
    assert state_of(three, first).words == ("contradicts itself",)
    accept(two, three, *(orjson.dumps(obj) for obj in relayed(three)))
    for hub in (two, three):
        assert "contradicts itself" in state_of(hub, first).words
        sweep.release_pending(hub.hub)
        assert hub.listed(DOMAIN) is None
        assert [obj["type"] for obj in relayed(hub)] == ["indicator", "hub-contradiction"]
    assert {obj["id"] for obj in relayed(two)} == {obj["id"] for obj in relayed(three)}


def test_contradictions_of_an_origin_are_stored_and_relayed_up_to_a_number(makes: Makes) -> None:
    first, two = makes(2).hubs
    first.report(first.partners[0], DOMAIN, 1, confidence="80")
    first.publish()
    [body] = first.active(first.origin, "open")
    bodies = []
    for number in range(25):
        at = now() + number
        one = {"number": at, "modified": stix_stamp(at)}
        bodies += [changed(first, body, confidence=20 + pair, **one) for pair in (0, 1)]
    for one in bodies:
        accept(two, first, one)
    assert [obj["type"] for obj in relayed(two)].count("hub-contradiction") == 20
    assert "contradicts itself" in state_of(two, first).words


@pytest.mark.parametrize("makes", ["sqlite"], indirect=True)
def test_relay_that_drips_old_heads_does_not_keep_a_silent_origin_current(makes: Makes) -> None:
    first, two = makes(2).hubs
    first.report(first.partners[0], DOMAIN, 1, confidence="80")
    first.publish()
    two.read(first, Link())
    with first.store.read() as tx:
        head = settling.head_of(tx, first.origin, "open")
    assert head is not None
    later = replace_head(head.head, at=timestamp.to_millisecond(timestamp.now() + timedelta(hours=1)))
    kept = later.sign(first.keys.log[0])
    # The relay delivers it after nearly two leases.
    signed_at = now() + HOUR
    with timestamp.frozen_at(timestamp.now() + timedelta(hours=47)):
        assert take_head(two, first, kept) == 1
        two.look()
        assert state_of(two, first, signed_at + 46 * HOUR).words == ()
        assert state_of(two, first, signed_at + 49 * HOUR).words == ("stale",)


def test_old_key_signs_nothing_new_once_its_successor_signed_a_head(makes: Makes) -> None:
    first, two = makes(2).hubs
    first.report(first.partners[0], DOMAIN, 1, confidence="80")
    first.publish()
    [body] = first.active(first.origin, "open")
    accept(two, first, body)
    [old], new = first.keys.log, SignerKey.make(first.origin)
    head = hub_head.read_head(first.heads_for(two)[0]).head
    later = replace_head(head, number=head.number + 1, next_key=str(new.verifier), next_by=str(old.verifier))
    assert take_head(two, first, later.sign(old)) == 1
    assert state_of(two, first).words == ("unknown key",)
    assert take_head(two, first, replace_head(head, number=head.number + 2).sign(new)) == 0
    with two.store.begin() as tx:
        origins.lock(tx, [first.origin])
        origins.set_word(tx, first.origin, origins.NEW_KEY, on=False)
    assert take_head(two, first, replace_head(head, number=head.number + 2).sign(new)) == 1
    assert take_head(two, first, replace_head(head, number=head.number + 3).sign(old)) == 0
    number = head.number + 3
    stolen = changed(first, body, number=number, modified=stix_stamp(number))
    assert accept(two, first, stolen).refused == {UNKNOWN_KEY: 1}


def replace_head(head: hub_head.HubHead, **changes: Any) -> hub_head.HubHead:
    return msgspec.structs.replace(head, **changes)


def take_head(hub: TestHub, peer: TestHub, body: bytes) -> int:
    """Return the number of heads that became the newest."""
    with hub.store.begin() as tx:
        return len(heads.take_heads(hub.hub, tx, hub.peer(peer), [body]).newest)


def test_objects_of_unknown_origins_and_forms_are_refused_with_the_peer_that_sent_them(makes: Makes) -> None:
    network = makes(3)
    first, two, three = network.hubs
    first.report(first.partners[0], DOMAIN, 1, confidence="80")
    first.publish()
    [body] = first.active(first.origin, "open")
    three.hub = Hub(three.store, three.hub.policy, peers=(three.peer(two),))
    done = accept(three, two, body, b"{}", b"no json", changed(first, body, modified="2026-01-01T00:00:00.000Z"))
    assert dict(done.refused) == {UNKNOWN_ORIGIN: 2, BAD_FORM: 2}
    assert accept(two, first, changed(first, body, modified="2026-01-01T00:00:00.000Z")).refused == {BAD_FORM: 1}
    assert ("Hub H1", "", UNKNOWN_ORIGIN) in refusals(three)
    assert not relayed(three)


@pytest.mark.parametrize("makes", ["sqlite"], indirect=True)
def test_object_without_a_form_in_json_stops_no_other(makes: Makes) -> None:
    first, two = makes(2).hubs
    first.report(first.partners[0], DOMAIN, 1, confidence="80")
    first.publish()
    [body] = first.active(first.origin, "open")
    nested: dict[str, Any] = {}
    for _ in range(3_000):
        nested = {"a": nested}
    bad: list[Any] = [{"type": "indicator", "name": "\ud800"}, nested]
    bad += [b'{"a":' * levels + b"1" + b"}" * levels for levels in (300, 900, 5_000)]
    with two.store.begin() as tx:
        done = receiving.accept(two.hub, tx, two.peer(first), [*bad, body])
        assert heads.take_heads(two.hub, tx, two.peer(first), bad).refused == {BAD_FORM: 5}
    assert (done.new, done.refused) == (1, {BAD_FORM: 5})


def test_words_of_a_partner_do_not_make_a_report_another_object(makes: Makes) -> None:
    first, two = makes(2).hubs
    words = {"scam_type": "hub-contradiction", "channel": "hub-contradiction"}
    first.report(first.partners[0], DOMAIN, 1, confidence="80", **words)
    first.publish()
    [body] = first.active(first.origin, "open")
    assert b'"hub-contradiction"' in body
    assert accept(two, first, body).new == 1
    assert two.listed(DOMAIN) == first.listed(DOMAIN)


@pytest.mark.parametrize("makes", ["sqlite"], indirect=True)
def test_unknown_version_is_stored_and_relayed_but_does_not_count(makes: Makes) -> None:
    first, two = makes(2).hubs
    first.report(first.partners[0], DOMAIN, 1, confidence="80")
    first.publish()
    [body] = first.active(first.origin, "open")
    assert accept(two, first, changed(first, body, version=2)).new == 1
    assert [row.state for row in rows_of(two, first)] == [UNKNOWN_VERSION]
    assert len(relayed(two)) == 1
    assert two.listed(DOMAIN) is None


def test_own_guard_holds_a_report_which_is_relayed_all_the_same(makes: Makes) -> None:
    network = makes(3)
    first, relay, last = network.hubs
    with relay.store.begin() as tx:
        entries.put(tx, entry_of("bad-one-shop.com", "a shop of this country", "operator"))
    first.report(first.partners[0], DOMAIN, 1, confidence="80")
    network.round()
    network.round()
    assert [row.state for row in rows_of(relay, first)] == [HELD]
    assert relay.listed(DOMAIN) is None
    assert last.listed(DOMAIN) == first.listed(DOMAIN)
    with relay.store.read() as tx:
        [held] = reviews.all_reviews(tx, "open")
    assert held.partner == "Hub H0"
    with relay.store.begin() as tx:
        review.decide(relay.hub, tx, [held.object_id], "approved", "operator")
    assert relay.listed(DOMAIN) == first.listed(DOMAIN)
    # The approval applies to later versions too.
    first.report(first.partners[1], DOMAIN, 2, confidence="50")
    network.round()
    assert relay.listed(DOMAIN) == first.listed(DOMAIN)


def test_direct_report_is_read_by_its_hub_alone_and_never_relayed(makes: Makes) -> None:
    network = makes(3, "mesh")
    first, two, three = network.hubs
    network.round()
    first.report(first.partners[0], DOMAIN, 1, confidence="80", only_countries="TH;KH")
    network.round()
    network.round()
    [row] = rows_of(two, first, two.identity)
    assert not relayed(two)
    assert not rows_of(three, first, three.identity)
    assert not rows_of(three, first)
    assert accept(three, two, row.body).refused.total() == 1
    assert accept(two, three, row.body).refused == {PASSED_ON: 1}
    assert two.listed(DOMAIN) is None


@pytest.mark.parametrize(
    ("protection", "held"),
    [
        ({"disputes": [{"by": "A" * 18, "record": 80, "word": "disputed", **LONG}]}, 2),
        ({"hub_decision": {"word": "review", **LONG}}, 2),
        # The account is in a country of the hub, so that its finding counts there.
        ({"finding": {"code": "genuine", "provider": "unknown", **LONG}}, 1),
    ],
    ids=["dispute", "decision", "finding"],
)
def test_reports_and_protections_of_a_hub_are_limited(
    makes: Makes, monkeypatch: pytest.MonkeyPatch, protection: dict[str, Any], held: int
) -> None:
    first, two = makes(2, most_reports=1).hubs
    monkeypatch.setattr("server.features.federation.holding.DOUBTS_WITH_AUTHORITY", 1)
    for place, value in enumerate((DOMAIN, OTHER, ACCOUNT)):
        first.report(first.partners[0], value, place, confidence="80")
    first.publish()
    bodies = first.active(first.origin, "open")
    assert accept(two, first, *bodies).refused == {TOO_MANY: 2}
    for hub in (first, two):
        hub.hub = Hub(hub.store, hub.hub.policy, peers=tuple(replace(peer, most_reports=9) for peer in hub.hub.peers))
    number = now() + HOUR
    disputed = [
        changed(first, body, **protection, number=number + at, modified=stix_stamp(number + at))
        for at, body in enumerate(bodies)
    ]
    assert accept(two, first, *disputed).held == held
    assert sorted(row.state for row in rows_of(two, first)) == [COUNTS] * (3 - held) + [WAITS] * held
    assert state_of(two, first).words == ("throttled",)
    with two.store.read() as tx:
        assert {found.rule for found in reviews.all_reviews(tx)} == {volume.MANY_DOUBTS}


@pytest.mark.parametrize(("state", "grade"), [("approved", "block"), ("rejected", None)])
def test_hub_that_blocks_too_many_values_warns_until_a_review(makes: Makes, state: Any, grade: str | None) -> None:
    first, two = makes(2).hubs
    two.hub = replace(two.hub, burst=1)
    for place, value in enumerate((DOMAIN, OTHER)):
        first.report(first.partners[0], value, place, confidence="90")
    first.publish()
    for _ in range(2):
        accept(two, first, *first.active(first.origin, "open"))
    assert sorted(row.state for row in rows_of(two, first)) == [COUNTS, LIMITED]
    (limited,) = [row for row in rows_of(two, first) if row.state == LIMITED]
    value = next(known for known in (DOMAIN, OTHER) if known.subject == limited.subject)
    assert (two.listed(value) or (0, None))[1] == "warn"
    with two.store.begin() as tx:
        (found,) = reviews.all_reviews(tx, "open")
        assert found.rule == "many-blocks"
        review.decide(two.hub, tx, [found.object_id], state, "operator")
    assert (two.listed(value) or (0, None))[1] == grade
    number = now() + HOUR
    accept(two, first, changed(first, limited.body, number=number, modified=stix_stamp(number)))
    assert (two.listed(value) or (0, None))[1] == grade


def test_peer_that_sends_too_fast_waits_and_nothing_is_stored(makes: Makes, monkeypatch: pytest.MonkeyPatch) -> None:
    first, two = makes(2).hubs
    monkeypatch.setattr(receiving, "PER_MINUTE", 1)
    for place, value in enumerate((DOMAIN, OTHER)):
        first.report(first.partners[0], value, place, confidence="80")
    first.publish()
    done = accept(two, first, *first.active(first.origin, "open"))
    assert done.wait > 0
    assert not rows_of(two, first)


@pytest.mark.parametrize("makes", ["sqlite"], indirect=True)
def test_peer_that_sends_too_many_bytes_in_a_day_waits(makes: Makes, monkeypatch: pytest.MonkeyPatch) -> None:
    first, two = makes(2).hubs
    first.report(first.partners[0], DOMAIN, 1, confidence="80")
    first.publish()
    monkeypatch.setattr(receiving, "KILOBYTES_A_DAY", 3)
    bodies = first.active(first.origin, "open")
    assert accept(two, first, *bodies).wait == 0
    assert accept(two, first, *bodies).wait > 3_600


@pytest.mark.parametrize("makes", ["sqlite"], indirect=True)
def test_restored_hub_signs_a_new_head_by_itself_and_its_peers_drop_the_rest(makes: Makes) -> None:
    network = makes(2)
    first, two = network.hubs
    network.round()
    copy = first.backup()
    first.report(first.partners[0], DOMAIN, 1, confidence="80")
    network.round()
    assert two.listed(DOMAIN) is not None
    first.restore(copy)
    for _ in range(3):
        network.round()
    assert two.listed(DOMAIN) is None
    assert first.listed(DOMAIN) is None


@pytest.mark.parametrize("makes", ["sqlite"], indirect=True)
def test_erased_value_is_in_no_store(makes: Makes) -> None:
    network = makes(3)
    first, relay, last = network.hubs
    first.report(first.partners[0], DOMAIN, 1, confidence="80")
    last.report(last.partners[0], OTHER, 2, confidence="80")
    first.report(first.partners[0], OTHER, 3, confidence="80")
    for _ in range(3):
        network.round()
    for value in (DOMAIN, OTHER):
        first.erase(value)
    for _ in range(4):
        network.round()
        for hub in network.hubs:
            hub.run_erasures()
    for hub in network.hubs:
        assert not hub.names("bad-one-shop"), hub.name
    # The reports of another hub's own partners stay, and its operators decide.
    assert last.listed(OTHER) is not None
    with last.store.read() as tx:
        [proposal] = proposals.all_proposals(tx)
    assert proposal.action == "erase"
    assert all(row.state == EMPTY and not row.subject for row in rows_of(relay, first))
    # The erasing hub keeps the ids of other hubs' reports alone, so that it stays complete.
    assert [(row.state, row.body) for row in rows_of(first, last)] == [(HELD, b"")]
    assert state_of(first, last).state == "current"


def test_set_that_the_head_does_not_sign_is_refused(makes: Makes) -> None:
    network = makes(2)
    first, two = network.hubs
    first.report(first.partners[0], DOMAIN, 1, confidence="80")
    network.links[1, 0].objects = lambda bodies: []
    network.round()
    assert state_of(two, first).incomplete == {"Hub H0"}
    with two.store.read() as tx:
        found = settling.head_of(tx, first.origin, "open")
    assert found is not None
    assert found.completed == 0
    network.links[1, 0].objects = lambda bodies: bodies
    network.round()
    assert state_of(two, first).state == "current"
    assert two.listed(DOMAIN) == first.listed(DOMAIN)


def test_relay_cannot_hide_behind_newer_reports_that_it_withholds_others(makes: Makes) -> None:
    first, two = makes(2).hubs
    for place, value in enumerate(VALUES[:2]):
        first.report(first.partners[0], value, place, confidence="80")
    first.publish()
    before = first.active(first.origin, "open")
    two.read(first, Link(objects=lambda bodies: bodies[:0]))
    first.report(first.partners[0], VALUES[3], 3, confidence="80")
    first.publish()
    [newer] = [body for body in first.active(first.origin, "open") if body not in before]

    def received(*, patient: bool, left_out: int) -> Completion:
        with two.store.begin() as tx:
            found = ReceivedSet(two.hub, tx, two.peer(first), first.origin, "open")
            bodies = sorted([*before[left_out:], newer], key=lambda body: orjson.loads(body)["id"])
            found.take(tx, receiving.check_page(two.hub, bodies))
            return found.finish(tx, patient=patient)

    # One newer report may replace one of the set, for a time.
    assert received(patient=True, left_out=1) is Completion.MOVED
    assert received(patient=True, left_out=2) is Completion.INCOMPLETE
    assert received(patient=False, left_out=1) is Completion.INCOMPLETE
    assert state_of(two, first).incomplete == {"Hub H0"}
    assert received(patient=False, left_out=0) is Completion.COMPLETE
    assert state_of(two, first).state == "current"


def test_listings_pulled_before_the_upgrade_are_second_hand_at_once(makes: Makes) -> None:
    hub, _ = makes(2).hubs
    pulled, own, _ = hub.partners
    hub.report(pulled, DOMAIN, 1, confidence="50")
    hub.report(own, DOMAIN, 2, confidence="50")
    both = hub.listed(DOMAIN)
    hub.hub = replace(hub.hub, copies=frozenset({pulled.name}))
    while copies.note_next(hub.hub):
        pass
    while sweep.release_pending(hub.hub):
        pass
    assert both is not None
    assert hub.listed(DOMAIN) is not None
    assert hub.listed(DOMAIN) < both
    assert not copies.note_next(hub.hub)
