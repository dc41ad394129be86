"""Retraction receipts, from the store to the rules that open and close them."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given, strategies as st

from mappers import ids
from schemas.partner import Partner, PartnerKind
from server.release.query import receipts as rules
from server.release.query.spread import spread
from server.store import Store, collections, deliveries, feed_state, log, partners, read_progress, retractions
from server.store.collections import Collection
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.item import Item
from server.store.retractions import Retraction

ID = "indicator--346f90dd-04c0-4b38-9d6b-1f2a52a8a3c1"
LATE = "2026-01-02T00:00:00.000Z"
Add = Callable[..., int]


def _item(modified: str, *, revoked: bool = False, id_: str = ID) -> Item:
    return Item.of(
        {
            "type": "indicator",
            "spec_version": "2.1",
            "id": id_,
            "created": "2026-01-01T00:00:00.000Z",
            "modified": modified,
            **({"revoked": True} if revoked else {}),
        }
    )


def _added(tx: Tx, collection: Collection, item: Item) -> int:
    done = log.append(tx, collection, [item])
    assert done.first is not None
    return done.first


def _revoked(tx: Tx, collection: Collection, id_: str = ID) -> int:
    """Revoke the object in the collection, and open its receipts."""
    item = _item(LATE, revoked=True, id_=id_)
    at = _added(tx, collection, item)
    assert item.version is not None
    retractions.retract(tx, {collection: [Retraction(id_, at, item.version)]}, "mistaken")
    return at


def _waiting(tx: Tx) -> set[str]:
    return {receipt.partner for receipt in retractions.all_receipts(tx, only_open=True)}


def _settled(tx: Tx) -> int:
    """Settle in one transaction; return the number of closed receipts."""
    for step in rules.late_steps(tx):
        step(tx)
    return sum(close(tx) for close in retractions.settlements(tx))


@pytest.fixture(autouse=True)
def _readers(store: Store, collection: Collection) -> None:
    """Let the test partners read the collection."""
    with store.begin() as tx:
        for name in ("reader", "earlier", "elsewhere", "slow", "quick", "one", "two", "three", "taker", "unsure"):
            partners.add(tx, Partner(name=name, kind=PartnerKind.BANK, identity=ids.identity(name)))
            collections.grant(tx, name, collection, read=True)


def test_only_partners_that_read_the_object_owe_a_receipt(store: Store, collection: Collection) -> None:
    with store.begin() as tx:
        before = _added(tx, collection, _item("2026-01-01T00:00:00.000Z", id_=ID.replace("3", "4")))
        first = _added(tx, collection, _item("2026-01-01T00:00:00.000Z"))
        read_progress.record_reads(
            tx, [("reader", collection.id, first), ("earlier", collection.id, before), ("elsewhere", "other", first)]
        )
        at = _revoked(tx, collection)
        assert _waiting(tx) == {"reader"}
        (receipt,) = retractions.all_receipts(tx, only_open=True)
    assert (receipt.object_id, receipt.collection, receipt.reason) == (ID, collection.alias, "mistaken")
    assert (receipt.revoked_at, receipt.closed, receipt.how) == (at, None, None)


def test_the_receipts_and_the_deliveries_of_one_partner_for_an_object_are_found(
    store: Store, collection: Collection
) -> None:
    with store.begin() as tx:
        first = _added(tx, collection, item := _item("2026-01-01T00:00:00.000Z"))
        read_progress.record_reads(tx, [("one", collection.id, first), ("two", collection.id, first)])
        deliveries.record(tx, "push", "one", [item], "accepted")
        deliveries.record(tx, "other", "two", [item], "accepted")
        _revoked(tx, collection)
        both = retractions.of_objects(tx, "one", [ID])
        assert {(receipt.partner, receipt.collection, receipt.closed) for receipt in both} == {
            ("one", collection.alias, None)
        }
        assert sorted(receipt.channel for receipt in both) == ["", "push"]
        assert retractions.of_objects(tx, "one", ["indicator--another"]) == []
        [delivery] = deliveries.to_partner(tx, "one", [ID])
        assert (delivery.feed, delivery.answer) == ("push", "accepted")
        assert deliveries.to_partner(tx, "three", [ID]) == []


def test_a_partner_finds_its_own_open_receipts_page_by_page(store: Store, collection: Collection) -> None:
    ids_ = [ID.replace("3", digit) for digit in "4567"]
    with store.begin() as tx:
        first = max(_added(tx, collection, _item("2026-01-01T00:00:00.000Z", id_=id_)) for id_ in ids_)
        read_progress.record_reads(tx, [("reader", collection.id, first), ("slow", collection.id, first)])
        for id_ in ids_:
            _revoked(tx, collection, id_)
        rules.acknowledge(tx, "reader", ids_[0])
        for most in (1, 2, 100):
            found, place = [], None
            while page := retractions.open_of(tx, "reader", after=place, limit=most):
                found += [receipt for receipt, _ in page]
                place = page[-1][1]
            assert [receipt.object_id for receipt in found] == ids_[1:]
            assert {receipt.partner for receipt in found} == {"reader"}
        totals = {total.partner: total for total in retractions.open_by_partner(tx)}
        assert {name: total.number for name, total in totals.items()} == {"reader": 3, "slow": 4}
        assert all(total.oldest <= found[-1].opened for total in totals.values())
        assert retractions.are_open(tx, "reader", ids_[1:])
        assert not retractions.are_open(tx, "reader", ids_)
        assert not retractions.are_open(tx, "one", ids_[1:])
        assert read_progress.positions_by(tx, "reader", [collection])[collection.id].read_up_to == first
        assert read_progress.positions_by(tx, "one", [collection]) == {}


def test_a_later_version_does_not_hide_the_readers_of_the_first(store: Store, collection: Collection) -> None:
    with store.begin() as tx:
        first = _added(tx, collection, _item("2026-01-01T00:00:00.000Z"))
        read_progress.record_reads(tx, [("reader", collection.id, first)])
        _added(tx, collection, _item("2026-01-01T12:00:00.000Z"))
        _revoked(tx, collection)
        assert _waiting(tx) == {"reader"}


def test_a_receipt_closes_when_the_partner_has_read_past_the_revocation(store: Store, collection: Collection) -> None:
    with store.begin() as tx:
        first = _added(tx, collection, _item("2026-01-01T00:00:00.000Z"))
        read_progress.record_reads(tx, [("reader", collection.id, first), ("slow", collection.id, first)])
        at = _revoked(tx, collection)
        assert _settled(tx) == 0
        read_progress.record_reads(tx, [("reader", collection.id, at - 1)])
        assert _settled(tx) == 0
        read_progress.record_reads(tx, [("reader", collection.id, at)])
        assert _settled(tx) == 1
        assert _settled(tx) == 0
        assert _waiting(tx) == {"slow"}
        closed = [receipt for receipt in retractions.all_receipts(tx) if receipt.closed is not None]
    assert [(receipt.partner, receipt.how) for receipt in closed] == [("reader", "read")]
    assert closed[0].opened <= (closed[0].closed or 0) <= now()


def test_reads_just_before_the_revocation_are_found_later(store: Store, collection: Collection) -> None:
    with store.begin() as tx:
        first = _added(tx, collection, _item("2026-01-01T00:00:00.000Z"))
        at = _revoked(tx, collection)
        assert _waiting(tx) == set()
        assert rules.to_settle(tx)
        # Recorded after it: one reader had only the object, the other also the revocation.
        read_progress.record_reads(tx, [("reader", collection.id, first), ("quick", collection.id, at)])
        _settled(tx)
        assert [(receipt.partner, receipt.reason) for receipt in retractions.all_receipts(tx)] == [
            ("reader", "mistaken")
        ]


def test_a_delivered_push_owes_a_receipt_and_the_pushed_revocation_closes_it(
    store: Store, collection: Collection
) -> None:
    added, gone = _item("2026-01-01T00:00:00.000Z"), _item(LATE, revoked=True)
    with store.begin() as tx:
        _added(tx, collection, added)
        feed_state.save_checkpoint(tx, "here", {"collection": collection.id, "after": 1})
        feed_state.save_checkpoint(tx, "there", {"collection": "another", "after": 1})
        deliveries.record(tx, "here", "taker", [added], "ok")
        deliveries.record(tx, "here", "refuser", [added], "failed: not a domain")
        deliveries.record(tx, "there", "other", [added], "ok")
        deliveries.record(tx, "forgotten", "unsure", [added], "ok")
        _revoked(tx, collection)
        assert _waiting(tx) == {"taker", "unsure"}
        deliveries.record(tx, "here", "taker", [gone], "failed: busy")
        assert _settled(tx) == 0
        deliveries.record(tx, "here", "taker", [gone], "ok")
        assert _settled(tx) == 1
        assert [receipt.how for receipt in retractions.all_receipts(tx) if receipt.closed] == ["delivered"]


def test_acknowledged_and_abandoned_receipts_are_closed(store: Store, collection: Collection) -> None:
    with store.begin() as tx:
        first = _added(tx, collection, _item("2026-01-01T00:00:00.000Z"))
        read_progress.record_reads(tx, [(name, collection.id, first) for name in ("one", "two", "three")])
        _revoked(tx, collection)
        assert rules.acknowledge(tx, "one", ID) == 1
        assert rules.acknowledge(tx, "one", ID) == 0
        assert rules.acknowledge(tx, "nobody", ID) == 0
        assert retractions.close_departed(tx, "two", most=10) == 1
        assert _waiting(tx) == {"three"}
        assert {(receipt.partner, receipt.how) for receipt in retractions.all_receipts(tx)} == {
            ("one", "acknowledged"),
            ("two", "left"),
            ("three", None),
        }


def test_opening_again_opens_nothing_twice_and_reopens_nothing(store: Store, collection: Collection) -> None:
    with store.begin() as tx:
        first = _added(tx, collection, _item("2026-01-01T00:00:00.000Z"))
        read_progress.record_reads(tx, [("reader", collection.id, first)])
        at = _revoked(tx, collection)
        rules.acknowledge(tx, "reader", ID)
        assert retractions.retract(tx, {collection: [Retraction(ID, at, 1)]}, "another reason") == 0
        _settled(tx)
        assert [(receipt.reason, receipt.how) for receipt in retractions.all_receipts(tx)] == [
            ("mistaken", "acknowledged")
        ]


def test_only_old_closed_receipts_are_deleted(store: Store, collection: Collection) -> None:
    with store.begin() as tx:
        first = _added(tx, collection, _item("2026-01-01T00:00:00.000Z"))
        read_progress.record_reads(tx, [(name, collection.id, first) for name in ("one", "two", "three")])
        _revoked(tx, collection)
        assert rules.acknowledge(tx, "one", ID) == 1
        assert retractions.close_departed(tx, "two", most=10) == 1
        assert retractions.forget(tx, before=1) == 0
        assert [retractions.forget(tx, before=1 << 60, most=1) for _ in range(3)] == [1, 1, 0]
        assert [(receipt.partner, receipt.closed) for receipt in retractions.all_receipts(tx)] == [("three", None)]


@pytest.mark.long
def test_thousands_are_retracted_at_once(store: Store, collection: Collection) -> None:
    ids = [f"indicator--{number:08d}-04c0-4b38-9d6b-1f2a52a8a3c1" for number in range(6_000)]
    with store.begin() as tx:
        log.append(tx, collection, [_item("2026-01-01T00:00:00.000Z", id_=id_) for id_ in ids])
        last = log.last_added(tx, collection) or 0
        read_progress.record_reads(tx, [("reader", collection.id, last)])
        gone = log.append(tx, collection, [_item(LATE, revoked=True, id_=id_) for id_ in ids])
        start = gone.first or 0
        taken_back = [Retraction(id_, start + place, 1) for place, id_ in enumerate(ids)]
        assert retractions.retract(tx, {collection: taken_back}, "the list was wrong") == len(ids)
        assert retractions.waiting(tx)[0] == len(ids)
        read_progress.record_reads(tx, [("reader", collection.id, start + 999)])
        assert _settled(tx) == 1_000


def test_former_partner_owes_nothing(store: Store, collection: Collection) -> None:
    bank = Partner(name="bank", kind=PartnerKind.BANK, identity="identity--11111111-1111-4111-8111-111111111111")
    with store.begin() as tx:
        partners.add(tx, bank)
        first = _added(tx, collection, _item("2026-01-01T00:00:00.000Z"))
        read_progress.record_reads(tx, [("bank", collection.id, first)])
        partners.remove(tx, "bank")
        _revoked(tx, collection)
        assert _waiting(tx) == set()
        read_progress.record_reads(tx, [("bank", collection.id, first)])
        _settled(tx)
        assert _waiting(tx) == set()


def test_receipts_of_a_partner_that_lost_access_are_closed(store: Store, collection: Collection) -> None:
    with store.begin() as tx:
        first = _added(tx, collection, _item("2026-01-01T00:00:00.000Z"))
        read_progress.record_reads(tx, [(name, collection.id, first) for name in ("one", "two")])
        _revoked(tx, collection)
        collections.revoke(tx, "one", collection, read=False, write=True)
        assert collections.rights(tx, "one") == {collection.id: (True, False)}
        collections.revoke(tx, "one", collection)
        assert retractions.end_access(tx, "one", collection) == 1
        assert _waiting(tx) == {"two"}
        assert {(receipt.partner, receipt.how) for receipt in retractions.all_receipts(tx)} == {
            ("one", "no-access"),
            ("two", None),
        }
        standing = rules.totals_since(tx, 0)
        assert (standing.open, standing.closed.of, standing.unreached) == (1, 0, 1)


def test_retractions_after_the_end_of_access_open_no_receipt(store: Store, collection: Collection) -> None:
    with store.begin() as tx:
        first = _added(tx, collection, _item("2026-01-01T00:00:00.000Z"))
        read_progress.record_reads(tx, [("one", collection.id, first), ("two", collection.id, first)])
        collections.revoke(tx, "one", collection)
        _revoked(tx, collection)
        assert _waiting(tx) == {"two"}
        assert rules.totals_since(tx, 0).unreached == 1


@pytest.mark.parametrize("target", [timedelta(hours=4), timedelta(minutes=1)])
def test_receipts_are_compared_with_the_target(target: timedelta) -> None:
    second = 1_000_000
    spans = [(0, 30 * second), (0, 90 * second), (100 * second, None)]
    found = rules.totals_of(spans, 160 * second, target)
    assert (found.open, found.oldest) == (1, 60.0)
    assert found.late == (1 if target < timedelta(hours=1) else 0)
    assert (found.closed.of, found.closed.p50, found.closed.p95) == (2, 30.0, 90.0)
    assert rules.totals_of([], 0).oldest is None


def test_open_receipts_always_count_and_closed_ones_for_a_while(store: Store, collection: Collection) -> None:
    with store.begin() as tx:
        first = _added(tx, collection, _item("2026-01-01T00:00:00.000Z"))
        read_progress.record_reads(tx, [("one", collection.id, first), ("two", collection.id, first)])
        _revoked(tx, collection)
        rules.acknowledge(tx, "one", ID)
        assert rules.totals_since(tx, 0).closed.of == 1
        later = rules.totals_since(tx, now() + 1_000_000)
        assert (later.open, later.closed.of) == (1, 0)


@given(st.lists(st.floats(0, 1e6), min_size=1))
def test_percentiles_are_exact(seconds: list[float]) -> None:
    found = spread(seconds)
    assert found.p50 in seconds
    assert found.p95 in seconds
    assert found.p50 is not None
    assert found.p95 is not None
    assert sum(second <= found.p50 for second in seconds) * 2 >= len(seconds)
    assert sum(second <= found.p95 for second in seconds) * 20 >= len(seconds) * 19
    assert sum(second < found.p95 for second in seconds) * 20 < len(seconds) * 19


@pytest.mark.parametrize("database", ["postgresql"])
def test_settling_waits_for_no_partner_that_acknowledges(store: Store, collection: Collection) -> None:
    with store.begin() as tx:
        first = _added(tx, collection, _item("2026-01-01T00:00:00.000Z"))
        read_progress.record_reads(tx, [("one", collection.id, first), ("two", collection.id, first)])
        at = _revoked(tx, collection)
        read_progress.record_reads(tx, [("one", collection.id, at), ("two", collection.id, at)])
    with store.begin() as acknowledging:
        assert rules.acknowledge(acknowledging, "one", ID) == 1
        with store.begin() as settling:
            assert _settled(settling) == 1
    with store.read() as tx:
        assert {receipt.how for receipt in retractions.all_receipts(tx)} == {"acknowledged", "read"}


def test_each_channel_of_a_partner_is_corrected_by_itself(store: Store, collection: Collection) -> None:
    with store.begin() as tx:
        first = _added(tx, collection, item := _item("2026-01-01T00:00:00.000Z"))
        read_progress.record_reads(tx, [("taker", collection.id, first)])
        for feed in ("to-misp", "to-sentinel"):
            deliveries.record(tx, feed, "taker", [item], "success")
        at = _revoked(tx, collection)
    revoked = _item(LATE, revoked=True)
    steps = (
        (
            lambda tx: deliveries.record(tx, "to-misp", "taker", [revoked], "failed: busy"),
            {"", "to-misp", "to-sentinel"},
        ),
        (lambda tx: read_progress.record_reads(tx, [("taker", collection.id, at)]), {"to-misp", "to-sentinel"}),
        (lambda tx: deliveries.record(tx, "to-sentinel", "taker", [revoked], "success"), {"to-misp"}),
        (lambda tx: deliveries.record(tx, "to-misp", "taker", [revoked], "success"), set()),
    )
    for happens, expected in steps:
        with store.begin() as tx:
            happens(tx)
            _settled(tx)
            assert {receipt.channel for receipt in retractions.all_receipts(tx, only_open=True)} == expected
            assert {channel for channel, *_ in retractions.open_by_channel(tx)} == expected
