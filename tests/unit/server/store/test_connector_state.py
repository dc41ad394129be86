from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas.partner import Partner, PartnerKind
from server.store import Store, checkpoints, deliveries, partners, statuses
from server.store.item import Item

START = datetime(2026, 11, 24, 9, 30, 0, 123456, tzinfo=UTC)
ONE = Item.of({"type": "url", "id": "url--6ba7b810-9dad-51d1-80b4-00c04fd430c8", "value": "x"})
TWO = ONE._replace(id="url--6ba7b811-9dad-51d1-80b4-00c04fd430c8", version=5)


def test_the_last_checkpoint_is_remembered(store: Store) -> None:
    with store.begin() as tx:
        assert checkpoints.load(tx, "bank") is None
        checkpoints.save(tx, "bank", {"next": "x"})
        checkpoints.save(tx, "bank", {"next": None, "at": 5})
        assert checkpoints.load(tx, "bank") == {"next": None, "at": 5}


def test_the_last_run_of_each_feed_is_remembered(store: Store) -> None:
    with store.begin() as tx:
        for hours, error in ((0, "TryLater: timeout"), (1, None)):
            began = START + timedelta(hours=hours)
            checkpoints.record_run(
                tx,
                "bank",
                started=began,
                ended=began + timedelta(seconds=2),
                read=3,
                accepted=2,
                rejected=1,
                error=error,
            )
        runs = checkpoints.last_runs(tx)
    began = START + timedelta(hours=1)
    assert runs == {"bank": checkpoints.Run("bank", began, began + timedelta(seconds=2), 3, 2, 1, None)}


def test_a_file_is_seen_by_its_digest_and_by_its_feed(store: Store) -> None:
    with store.begin() as tx:
        checkpoints.mark_seen(tx, "bank", "d1", "a.csv")
        checkpoints.mark_seen(tx, "bank", "d1", "renamed.csv")
        assert checkpoints.seen(tx, "bank", "d1")
        assert not checkpoints.seen(tx, "bank", "d2")
        assert not checkpoints.seen(tx, "other", "d1")


def test_of_a_delivery_the_last_attempt_is_kept(store: Store) -> None:
    with store.begin() as tx:
        deliveries.record(tx, "push", "bank", [ONE, TWO], "try later")
        deliveries.record(tx, "push", "bank", [TWO, TWO], "accepted")
        sent = {one.object_id: one for one in deliveries.sent(tx, "push", "bank", [ONE, TWO])}
        assert deliveries.sent(tx, "push", "other", [ONE]) == []
        assert deliveries.sent(tx, "push", "bank", [TWO._replace(version=6)]) == []
    assert (sent[ONE.id].version, sent[ONE.id].answer, sent[ONE.id].attempts) == (None, "try later", 1)
    assert (sent[TWO.id].version, sent[TWO.id].answer, sent[TWO.id].attempts) == (5, "accepted", 2)


def test_attempts_are_counted_up_to_what_the_ledger_can_hold(store: Store) -> None:
    with store.begin() as tx:
        deliveries.record(tx, "push", "bank", [ONE], "try later")
        tx.exec_driver_sql("UPDATE deliveries SET attempts = 32766")
        for _ in range(3):
            deliveries.record(tx, "push", "bank", [ONE], "try later")
        assert [one.attempts for one in deliveries.sent(tx, "push", "bank", [ONE])] == [32767]
        deliveries.record(tx, "push", "bank", [], "try later")


def test_the_ledger_tells_of_which_objects_some_version_went_to_a_partner(store: Store) -> None:
    with store.begin() as tx:
        deliveries.record(tx, "push", "bank", [ONE, TWO._replace(version=4)], "success")
        assert deliveries.known(tx, "push", "bank", [ONE.id, TWO.id, "url--x"]) == {ONE.id, TWO.id}
        assert deliveries.known(tx, "push", "other", [ONE.id]) == set()
        assert deliveries.known(tx, "other", "bank", [ONE.id]) == set()
        assert deliveries.known(tx, "push", "bank", []) == set()


def test_the_ledger_tells_who_got_which_version_the_latest_first(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter(range(1_000_000, 9_000_000, 1_000_000))
    monkeypatch.setattr(deliveries, "now", lambda: next(moments))
    with store.begin() as tx:
        deliveries.record(tx, "push", "bank", [ONE], "success")
        deliveries.record(tx, "push", "bank", [TWO], "failed: 50% not wanted")
        deliveries.record(tx, "files", "telecom", [ONE], "success")

        def told(**asked: Any) -> list[tuple[str, str, str, int | None]]:
            found = deliveries.history(tx, **asked)
            return [(each.feed, each.partner, each.object_id, each.version) for each in found]

        one, two, three = (
            ("files", "telecom", ONE.id, None),
            ("push", "bank", TWO.id, 5),
            ("push", "bank", ONE.id, None),
        )
        assert told() == [one, two, three]
        assert told(limit=2) == [one, two]
        assert told(feed="push") == [two, three]
        assert told(ids=[ONE.id]) == [one, three]
        assert told(answer="failed: 50%") == [two]
        assert told(answer="%") == []
        assert told(ids=[]) == []


def test_a_status_is_for_the_partner_that_asked_for_it(store: Store) -> None:
    with store.begin() as tx:
        partners.add(
            tx, Partner(name="a", kind=PartnerKind.BANK, identity=f"identity--{'1' * 8}-1111-4111-8111-{'1' * 12}")
        )
        statuses.save(tx, "feed", "s1", "a", b"pending")
        statuses.save(tx, "feed", "s1", "a", b"complete")
        assert statuses.load(tx, "feed", "s1", "a") == b"complete"
        assert statuses.load(tx, "feed", "s1", "b") is None
        assert statuses.load(tx, "other", "s1", "a") is None
        assert statuses.forget(tx, before=1) == 0
        assert statuses.forget(tx, before=1 << 60) == 1
        assert statuses.load(tx, "feed", "s1", "a") is None


def test_statuses_are_removed_a_few_at_a_time(store: Store) -> None:
    with store.begin() as tx:
        partners.add(
            tx, Partner(name="a", kind=PartnerKind.BANK, identity=f"identity--{'1' * 8}-1111-4111-8111-{'1' * 12}")
        )
        for number in range(5):
            statuses.save(tx, "feed", f"s{number}", "a", b"complete")
        assert [statuses.forget(tx, before=1 << 60, most=2) for _ in range(4)] == [2, 2, 1, 0]


def test_of_each_object_the_last_delivery_is_kept_for_ever(store: Store) -> None:
    newer, busy = ONE._replace(version=7), TWO._replace(version=9)
    with store.begin() as tx:
        for feed, partner, item in (
            ("push", "bank", ONE),
            ("push", "bank", TWO),
            ("push", "bank", newer),
            ("push", "ngo", ONE),
        ):
            deliveries.record(tx, feed, partner, [item], "ok")
        deliveries.record(tx, "push", "bank", [busy], "failed: busy")
        assert deliveries.forget(tx, before=1) == 0
        assert deliveries.forget(tx, before=1 << 60) == 1
        assert deliveries.forget(tx, before=1 << 60) == 0
        left = {(one.partner, one.object_id, one.version) for one in deliveries.history(tx)}
        assert left == {
            ("bank", TWO.id, TWO.version),
            ("bank", busy.id, busy.version),
            ("bank", newer.id, newer.version),
            ("ngo", ONE.id, ONE.version),
        }
