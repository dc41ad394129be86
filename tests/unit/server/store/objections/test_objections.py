"""Objections store no personal data except a contact, and lose the contact and the value at the end."""

import pytest

from server.features.objections import records as objections
from server.features.objections.records import Objection
from server.store import Store
from server.store.database.times import now

DAY = 86_400 * 1_000_000
VALUE = "domain:shop.example.com"


def add(store: Store, contact: str | None = None, due: int = DAY, *subjects: str) -> tuple[str, str]:
    """Add an objection, and return its id and its token."""
    with store.begin() as tx:
        digest = objections.contact_digest(tx, contact) if contact else None
        new = Objection(objections.new_id(), "domain", "other", b"sealed", digest, now(), now() + due)
        return new.id, objections.add(tx, new, subjects or (VALUE,))


def test_a_token_finds_its_objection(store: Store) -> None:
    id_, token = add(store)
    with store.read() as tx:
        assert objections.by_token(tx, token).id == id_
        assert objections.subjects_of(tx, [id_]) == {id_: [VALUE]}
        assert objections.unrouted(tx)[0].id == id_


def test_one_contact_has_one_open_objection_to_a_value(store: Store) -> None:
    first, one = add(store, "a@example.com")
    _, again = add(store, "A@EXAMPLE.com")
    other, _ = add(store, "b@example.com")
    elsewhere, _ = add(store, "a@example.com", DAY, "domain:other.example.com")
    with store.begin() as tx:
        assert {objections.by_token(tx, token).id for token in (one, again)} == {first}
        assert {found.id for found in objections.all_objections(tx, every=True)} == {first, other, elsewhere}
        assert {found.id for found in objections.of_values(tx, [VALUE])} == {first, other}
        objections.answer(tx, [first], "cleared", "Anong")
    later, _ = add(store, "a@example.com")
    assert later != first


def test_later_objection_has_its_own_promised_day(store: Store) -> None:
    id_, one = add(store, None, DAY)
    _, again = add(store, None, 3 * DAY)
    with store.read() as tx:
        first, second = (objections.by_token(tx, token) for token in (one, again))
        stored = objections.all_objections(tx, every=True)
    assert first.id == second.id == id_
    assert second.due - first.due >= 2 * DAY
    assert [found.due for found in stored] == [first.due]


def test_an_answer_erases_contact_and_value(store: Store) -> None:
    id_, token = add(store, "a@example.com")
    with store.begin() as tx:
        objections.route(tx, id_, listed=True, public=False, provider="Keeper")
        assert objections.totals(tx)[:2] == (1, 0)
        objections.answer(tx, [id_], "stays", "Anong", "court-order")
        assert objections.totals(tx) == (0, 0, None, None)
        found = objections.by_token(tx, token)
        assert (found.contact, found.contact_digest, objections.subjects_of(tx, [id_])) == (None, None, {})
        assert (found.answer, found.reason, found.decided_by) == ("stays", "court-order", "Anong")


def test_unlisted_value_is_looked_up_again_each_day(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    unlisted, _ = add(store)
    listed, _ = add(store, None, DAY, "domain:other.example.com")
    with store.begin() as tx:
        objections.route(tx, listed, listed=True, public=False, provider=None)
        objections.route(tx, unlisted, listed=False, public=False, provider=None)
        assert objections.unrouted(tx) == []
        tomorrow = now() + DAY
        monkeypatch.setattr(objections, "now", lambda: tomorrow)
        assert [found.id for found in objections.unrouted(tx)] == [unlisted]


def test_late_objections_to_listed_values_are_counted(store: Store) -> None:
    listed, _ = add(store, None, -1)
    unlisted, _ = add(store, None, -1, "domain:other.example.com")
    with store.begin() as tx:
        objections.route(tx, listed, listed=True, public=False, provider=None)
        objections.route(tx, unlisted, listed=False, public=False, provider=None)
        assert objections.totals(tx)[:2] == (1, 1)
        assert {found.id for found in objections.overdue(tx)} == {listed, unlisted}
        assert [found.id for found in objections.all_objections(tx)] == [listed]


def test_old_answered_objections_are_deleted(store: Store) -> None:
    done, _ = add(store, None, -DAY)
    open_, _ = add(store, None, -DAY, "domain:other.example.com")
    with store.begin() as tx:
        objections.answer(tx, [done], "reviewed", "hub")
        assert objections.forget(tx, before=now() - DAY) == 0
        assert objections.forget(tx, before=now() + 1) == 1
        assert [found.id for found in objections.all_objections(tx, every=True)] == [open_]
