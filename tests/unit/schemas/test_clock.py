"""The clock stands where a demonstration puts it, in its own thread alone."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from schemas import clock, timestamp
from server.store.database.times import micros, now

MOMENT = datetime(2026, 10, 1, 8, 30, 0, 123_000, UTC)


def test_everything_reads_the_time_that_is_played() -> None:
    with clock.at(MOMENT):
        assert timestamp.now() == MOMENT
        assert now() == micros(MOMENT)
        with ThreadPoolExecutor(1) as elsewhere:
            assert elsewhere.submit(timestamp.now).result() > MOMENT
    assert timestamp.now() > MOMENT
