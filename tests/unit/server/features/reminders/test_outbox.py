"""The outbox on each database: one mail an hour and purpose, taken by one process, and given up after a day."""

from server.features.reminders import outbox
from server.features.reminders.outbox import CLAIM, GIVEN_UP, HOUR, OutboxTotals
from server.store import Store

AT = 400_000 * HOUR


def put(store: Store, user: str = "malee", at: int = AT) -> bool:
    with store.begin() as tx:
        return outbox.put(tx, user, "digest", {"due": 1}, at)


def due(store: Store, at: int = AT) -> list[outbox.ReminderMail]:
    with store.read() as tx:
        return outbox.due(tx, at, 10, outbox.MAILS)


def test_a_person_has_one_mail_of_a_purpose_in_an_hour(either_store: Store) -> None:
    with either_store.begin() as tx:
        assert outbox.put(tx, "malee", "digest", {"due": 1}, AT)
        assert not outbox.put(tx, "malee", "digest", {"due": 2}, AT + HOUR - 1)
        # The transaction goes on after the refused row.
        assert outbox.put(tx, "malee", "confirm", {}, AT)
        assert outbox.put(tx, "anong", "digest", {}, AT)
    assert put(either_store, at=AT + HOUR)
    assert [mail.values for mail in due(either_store) if (mail.user, mail.purpose) == ("malee", "digest")] == [
        {"due": 1}
    ]


def test_a_mail_is_taken_by_one_process_and_again_after_its_claim(either_store: Store) -> None:
    put(either_store)
    [mail] = due(either_store)
    with either_store.begin() as tx:
        assert outbox.claim(tx, mail, AT)
        assert not outbox.claim(tx, mail, AT)
    assert due(either_store, AT + CLAIM - 1) == []
    [again] = due(either_store, AT + CLAIM)
    assert (again.id, again.attempts) == (mail.id, 1)


def test_a_mail_that_cannot_be_sent_is_put_off_and_given_up_after_a_day(either_store: Store) -> None:
    put(either_store)
    [mail] = due(either_store)
    with either_store.begin() as tx:
        outbox.put_off(tx, mail, AT, "no-connection")
        assert outbox.totals(tx, 0) == OutboxTotals(1, AT, 0, 0)
    with either_store.begin() as tx:
        outbox.put_off(tx, mail, AT + GIVEN_UP, "no-connection")
        assert outbox.totals(tx, AT + GIVEN_UP) == OutboxTotals(0, None, 0, 1)
        assert [failed.error for failed in outbox.latest(tx, "failed", 5)] == ["no-connection"]
        assert outbox.forget(tx, before=AT + GIVEN_UP) == 0
        assert outbox.forget(tx, before=AT + GIVEN_UP + 1) == 1
