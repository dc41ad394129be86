"""Jobs store their progress."""

import pytest

from server.store import Store, jobs


def test_job_is_unfinished_until_its_end_and_restarts_under_its_name(store: Store) -> None:
    with store.begin() as tx:
        assert jobs.find(tx, "a") is None
        assert jobs.begin(tx, "a", {"after": 0}).state == {"after": 0}
        jobs.begin(tx, "b", {"after": "x"})
    with store.begin() as tx:
        jobs.save(tx, "a", {"after": 7})
    with store.read() as tx:
        assert [(job.name, job.state) for job in jobs.unfinished(tx)] == [("a", {"after": 7}), ("b", {"after": "x"})]
    with store.begin() as tx:
        jobs.save(tx, "a", {"after": 9}, ended=True)
    with store.begin() as tx:
        found = jobs.find(tx, "a")
        assert found is not None
        assert (found.state, found.ended == found.saved) == ({"after": 9}, True)
        assert [job.name for job in jobs.unfinished(tx)] == ["b"]
        assert jobs.begin(tx, "a", {"after": 0}).ended is None


def test_failed_batch_leaves_the_job_unchanged(store: Store) -> None:
    with store.begin() as tx:
        jobs.begin(tx, "a", {"after": 1})

    def fail() -> None:
        with store.begin() as tx:
            jobs.save(tx, "a", {"after": 2})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with store.read() as tx:
        assert [job.state for job in jobs.unfinished(tx)] == [{"after": 1}]


def test_progress_is_read_while_a_batch_runs_and_after_it(store: Store) -> None:
    with store.begin() as tx:
        jobs.begin(tx, "a", {"after": 1})
    with store.read() as shown:
        assert jobs.find(shown, "b") is None
        with store.begin() as tx:
            jobs.find(tx, "a")
            jobs.save(tx, "a", {"after": 2})
            during = jobs.find(shown, "a")
        after = jobs.find(shown, "a")
    assert during is not None
    assert during == after
    assert during.state == {"after": 1}
