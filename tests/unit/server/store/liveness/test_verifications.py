"""Verifications of pushes are kept for a month, and the last one permanently."""

import pytest

from server.store import Store
from server.store.liveness import verifications

DAY = 86_400 * 1_000_000


def test_the_last_month_and_the_last_verification_are_kept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    at = [1_790_000_000 * 1_000_000]
    monkeypatch.setattr("server.store.database.sql.database_time", lambda _: at[0])
    for days in (0, 1, 29, 2):
        at[0] += days * DAY
        with store.begin() as tx:
            verifications.record(tx, "f", f"state {days}", "answers", well=True)
    with store.begin() as tx:
        again = verifications.record(tx, "f", "again", "try later", well=False)
        other = verifications.record(tx, "g", "other", "answers", well=True)
    with store.read() as tx:
        states = [verification.state for verification in verifications.history(tx, "f")]
        assert states == ["again", "state 2", "state 29"]
        assert verifications.last_verifications(tx) == {"f": again, "g": other}
    assert again.at == at[0] + 1
