"""Hubs that exchange hub reports over real sockets."""

import pytest
import requests

from feeds.connectors import build
from feeds.runs.runner import run
from schemas.hub_report import OPEN
from server.features.federation import origins, settling, stored
from server.features.federation.desk import knowledge
from server.store import collections, feed_state
from tests.integration.federation.conftest import MakeHub
from tests.integration.federation.exchanging import ExchangingHub, Proxy

SCAM = "bad-one-shop.com"


def pair(make_hub: MakeHub, **table: object) -> tuple[ExchangingHub, ExchangingHub]:
    """Return a hub that publishes, and one that reads there."""
    source, reader = make_hub("kh"), make_hub("th")
    source.knows(reader)
    reader.knows(source, source.serve_at, **table)
    source.serve()
    return source, reader


@pytest.mark.parametrize("make_hub", ["sqlite", "postgresql"], indirect=True)
def test_reports_and_retractions_travel_unchanged(make_hub: MakeHub) -> None:
    source, reader = pair(make_hub)
    first, second = source.publish(SCAM), source.publish("bad-two-shop.com")
    done = reader.pull()
    assert (done.error, done.read, done.accepted) == (None, 2, 2)
    assert sorted(reader.reports_of(source)) == sorted([first, second])
    assert sorted(reader.relayed()) == sorted([first, second])
    with reader.store.read() as tx:
        assert settling.completed(tx, source.origin)["open"] > 0
    source.publish(SCAM, revoked=True)
    assert reader.pull().error is None
    assert reader.reports_of(source) == [second]


def test_an_idle_round_is_small_and_a_change_crosses_once(make_hub: MakeHub) -> None:
    source, reader = make_hub("kh"), make_hub("th")
    source.knows(reader)
    source.serve()
    with Proxy(source.url) as proxy:
        reader.knows(source, proxy.url)
        source.publish(SCAM)
        assert reader.pull().error is None
        proxy.reset()
        assert reader.pull().error is None
        assert [status for _, status in proxy.requests] == [304, 200, 200]
        idle = proxy.bytes
        assert idle < 2_000
        proxy.reset()
        source.publish("bad-two-shop.com")
        done = reader.pull()
        assert (done.error, done.accepted) == (None, 1)
        assert proxy.bytes < idle + 3_000


def test_a_relay_passes_reports_on_and_the_next_hub_names_it(make_hub: MakeHub) -> None:
    source, relay, reader = make_hub("kh"), make_hub("th"), make_hub("vn")
    source.knows(relay)
    source.serve()
    relay.knows(source, source.serve_at)
    relay.knows(reader)
    relay.serve()
    reader.knows(relay, relay.serve_at)
    reader.knows(source)
    body = source.publish(SCAM)
    for hub in (relay, reader):
        assert hub.pull().error is None
    assert reader.reports_of(source) == [body]
    with reader.store.read() as tx:
        assert origins.deliveries(tx)[source.origin].keys() == {"Hub th"}
        assert settling.completed(tx, source.origin)["open"] > 0
    source.publish(SCAM, revoked=True)
    for hub in (relay, reader):
        assert hub.pull().error is None
    assert reader.reports_of(source) == []


def test_an_origin_that_becomes_a_peer_later_is_read_at_once(make_hub: MakeHub) -> None:
    source, relay, reader = make_hub("kh"), make_hub("th"), make_hub("vn")
    source.knows(relay)
    source.serve()
    relay.knows(source, source.serve_at)
    relay.knows(reader)
    relay.serve()
    reader.knows(relay, relay.serve_at)
    body = source.publish(SCAM)
    assert relay.pull().error is None
    assert reader.pull().reasons["unknown-origin"] >= 1
    assert (reader.reports_of(source), reader.relayed()) == ([], [])
    reader.knows(source)
    assert reader.pull().error is None
    assert reader.reports_of(source) == [body]


def test_an_altered_report_is_refused_and_the_peer_named(make_hub: MakeHub) -> None:
    source, reader = make_hub("kh"), make_hub("th")
    source.knows(reader)
    source.serve()

    def alter(_path: str, body: bytes) -> bytes:
        return body.replace(b'"weight":60', b'"weight":99')

    source.publish(SCAM)
    with Proxy(source.url, alter) as proxy:
        reader.knows(source, proxy.url)
        done = reader.pull()
        assert done.error is None
        assert done.reasons["bad-signature"] >= 1
        assert done.reasons["incomplete-set"] == 1
        proxy.reset()
        # The set is not read again while its head is the same.
        assert reader.pull().error is None
        assert not any(path.endswith("/active") for path, _ in proxy.requests)
    assert reader.reports_of(source) == []
    with reader.store.read() as tx:
        assert {(one.peer, one.reason) for one in origins.all_refusals(tx)} >= {("Hub kh", "bad-signature")}
        assert origins.gaps(tx) == {source.origin: {"Hub kh"}}


def test_a_withheld_report_is_read_in_the_complete_set(make_hub: MakeHub) -> None:
    source, reader = make_hub("kh"), make_hub("th")
    source.knows(reader)
    source.serve()
    body = source.publish(SCAM)

    def withhold(path: str, page: bytes) -> bytes:
        return b"{}" if "/objects/" in path else page

    with Proxy(source.url, withhold) as proxy:
        reader.knows(source, proxy.url)
        assert reader.pull().error is None
    assert reader.reports_of(source) == [body]


def test_a_killed_round_goes_on_where_it_was(make_hub: MakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    source, reader = pair(make_hub)
    bodies = [source.publish(f"bad-{number}-shop.com") for number in range(3)]
    keep, saved = feed_state.save_checkpoint, []

    def killed(*arguments: object) -> None:
        saved.append(arguments)
        if len(saved) == 2:
            raise KeyboardInterrupt
        keep(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(feed_state, "save_checkpoint", killed)
        with pytest.raises(KeyboardInterrupt):
            reader.pull()
    assert reader.reports_of(source) == []
    done = reader.pull()
    assert (done.error, done.accepted) == (None, 3)
    assert sorted(reader.reports_of(source)) == sorted(bodies)


def test_direct_reports_are_for_their_addressee_alone(make_hub: MakeHub) -> None:
    source, reader, other = make_hub("kh"), make_hub("th"), make_hub("vn")
    source.knows(reader)
    source.knows(other)
    reader.knows(source, source.serve_at)
    other.knows(source, source.serve_at)
    with source.store.begin() as tx:
        for hub in (reader, other):
            known = origins.lock(tx, [hub.origin])[hub.origin]
            origins.learn(tx, known, identity=hub.identity)
    source.serve()
    body = source.publish(SCAM, stream=reader.identity)
    assert reader.pull().error is None
    assert reader.reports_of(source, reader.identity) == [body]
    assert reader.relayed() == []
    assert other.pull().error is None
    assert other.reports_of(source, reader.identity) == []
    asked = {"origin": source.identity, "stream": reader.identity}
    for hub, status in ((reader, 200), (other, 404)):
        answer = requests.get(f"{source.url}api/hub-reports/active", asked, headers=hub.login(source), timeout=60)
        assert answer.status_code == status
    unknown = requests.get(
        f"{source.url}api/hub-reports/active", {"origin": "nobody/log"}, headers=other.login(source), timeout=60
    )
    assert unknown.status_code == 404


def test_only_peers_read_heads(make_hub: MakeHub) -> None:
    source, _ = pair(make_hub)
    body = source.publish(SCAM)
    token = source.join("Plain Bank")
    headers = {"Authorization": f"Bearer {token}"}
    heads = requests.get(f"{source.url}api/hub-reports/heads", headers=headers, timeout=60)
    active = requests.get(f"{source.url}api/hub-reports/active", {"origin": source.origin}, headers=headers, timeout=60)
    absent = requests.get(f"{source.url}api/collections/none/active", headers=headers, timeout=60)
    assert (heads.status_code, active.status_code, absent.status_code) == (404, 404, 404)
    assert body not in active.content


def test_pushed_reports_count_like_pulled_ones(make_hub: MakeHub) -> None:
    source, reader = make_hub("kh"), make_hub("th")
    reader.knows(source)
    token = reader.admit(source)
    reader.serve()
    source.admit(reader)
    body = source.publish(SCAM)
    place = source.file.with_name("push-token")
    place.write_text(token, encoding="utf-8")
    table = {
        "name": "to-th",
        "connector": "hub-push",
        "partner": "Hub th",
        "url": reader.serve_at,
        "token": {"file": str(place)},
        "allow_private": True,
    }
    done = run(source.hub, build(table))
    assert (done.error, done.accepted) == (None, 1)
    assert reader.reports_of(source) == [body]
    stranger = reader.join("Plain Bank")
    place.write_text(stranger, encoding="utf-8")
    source.publish("bad-two-shop.com")
    refused = run(source.hub, build(table))
    assert refused.reasons["refused-by-peer"] == 1
    assert reader.reports_of(source) == [body]


def test_pushed_heads_keep_a_hub_that_only_pushes_current(make_hub: MakeHub) -> None:
    source, reader = make_hub("kh"), make_hub("th")
    reader.knows(source)
    source.knows(reader)
    token = reader.admit(source)
    reader.serve()
    source.admit(reader)
    place = source.file.with_name("push-token")
    place.write_text(token, encoding="utf-8")
    with Proxy(f"http://127.0.0.1:{reader.port}") as between:
        table = {
            "name": "to-th",
            "connector": "hub-push",
            "partner": "Hub th",
            "url": between.url,
            "token": {"file": str(place)},
            "allow_private": True,
        }
        source.publish(SCAM)
        assert run(source.hub, build(table)).error is None
        assert reader.state_of(source) == ("current", True)
        with source.store.read() as tx:
            assert knowledge.all_knowledge(tx)["Hub th"].number == source.number
        between.reset()
        # A run of another process without news.
        assert run(source.hub, build(table)).error is None
        assert between.bytes < 2_000
        # The set here lacks a report that the head signs.
        with reader.store.begin() as tx:
            stored.drop(tx, list(stored.every(tx, source.origin, OPEN)))
        source.publish("bad-two-shop.com")
        assert run(source.hub, build(table)).error is None
        assert reader.state_of(source) == ("incomplete", False)


@pytest.mark.parametrize("make_hub", ["sqlite", "postgresql"], indirect=True)
def test_listings_of_a_peer_end_and_its_feed_is_refused(make_hub: MakeHub) -> None:
    source, reader = make_hub("kh"), make_hub("th")
    source.knows(reader)
    reader.knows(source, source.serve_at)
    source.serve()
    token = source.join("Old reader")
    with source.store.begin() as tx:
        collections.grant(tx, "Old reader", collections.get(tx, "takedown"), read=True)
    reader.join("Old hub")
    place = reader.file.with_name("old-token")
    place.write_text(token, encoding="utf-8")
    reader.feeds.append(
        {
            "name": "old",
            "connector": "taxii-pull",
            "url": source.serve_at,
            "peer_collection": "takedown",
            "token": {"file": str(place)},
            "contribute_as": "Old hub",
            "allow_private": True,
        }
    )
    reader.report("Old hub", SCAM)
    assert reader.lists(SCAM)
    assert reader.pull().error is None
    source.publish("bad-two-shop.com")
    assert reader.pull(1).error is None
    assert not reader.lists(SCAM)
    refused = reader.pull()
    assert refused.ending == "misconfigured"
    assert "Hub kh is a peer" in (refused.error or "")
