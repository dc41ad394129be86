"""Notices to partners: stored per partner, newest first, and deleted in the end."""

from datetime import timedelta

from mappers import ids
from schemas import timestamp
from schemas.partner import Partner, PartnerKind
from server.features.partners import notices
from server.store import Store, partners
from server.store.database.times import now

DAY = 86_400 * 1_000_000


def join(store: Store, name: str) -> None:
    with store.begin() as tx:
        partners.add(tx, Partner(name=name, kind=PartnerKind.BANK, identity=ids.identity(name)))


def test_partner_has_its_own_notices_newest_first(store: Store) -> None:
    join(store, "First Bank")
    join(store, "Second Bank")
    with timestamp.frozen_at(timestamp.now() - timedelta(days=40)), store.begin() as tx:
        notices.add(tx, "First Bank", "credentials-issued", {})
    with store.begin() as tx:
        notices.add(tx, "First Bank", "user-added", {"name": "Malee", "role": "admin"})
        notices.add(tx, "Second Bank", "restored", {})
    with store.read() as tx:
        found = notices.latest(tx, "First Bank", 10)
        assert [(notice.code, notice.values) for notice in found] == [
            ("user-added", {"name": "Malee", "role": "admin"}),
            ("credentials-issued", {}),
        ]
        assert len(notices.latest(tx, "First Bank", 1)) == 1
        assert notices.count_since(tx, "First Bank", now() - 30 * DAY) == 1


def test_old_notices_are_deleted(store: Store) -> None:
    join(store, "First Bank")
    with store.begin() as tx:
        notices.add(tx, "First Bank", "restored", {})
        assert notices.forget(tx, before=now() - DAY) == 0
        assert notices.forget(tx, before=now() + DAY) == 1
        assert notices.latest(tx, "First Bank", 10) == []


def test_when_a_partner_lost_its_powers_is_stored(store: Store) -> None:
    join(store, "First Bank")
    with store.begin() as tx:
        assert partners.powers_ended(tx, "First Bank") is None
        before = now()
        partners.note_powers_ended(tx, "First Bank")
        assert before <= (partners.powers_ended(tx, "First Bank") or 0) <= now()
