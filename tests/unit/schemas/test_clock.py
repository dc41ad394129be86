"""The clock shows the time set by a demonstration, in its own thread only."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from schemas import timestamp
from server.store.database.times import micros, now

MOMENT = datetime(2026, 5, 1, 8, 30, 0, 123_000, UTC)


def test_all_code_reads_the_played_time() -> None:
    with timestamp.frozen_at(MOMENT):
        assert timestamp.now() == MOMENT
        assert now() == micros(MOMENT)
        with ThreadPoolExecutor(1) as elsewhere:
            assert elsewhere.submit(timestamp.now).result() > MOMENT
    assert timestamp.now() > MOMENT
