"""The next is made while one is at work, and no more than that."""

import threading
from collections.abc import Iterator

import pytest

from feeds.runs.prefetch import prefetch


def test_all_come_in_their_order() -> None:
    assert list(prefetch(range(100))) == [*range(100)]
    assert list(prefetch([])) == []


def test_one_more_than_is_asked_for_is_made() -> None:
    made: list[int] = []
    second = threading.Event()

    def numbers() -> Iterator[int]:
        for number in range(10):
            made.append(number)
            if number == 1:
                second.set()
            yield number

    coming = prefetch(numbers())
    assert next(coming) == 0
    assert second.wait(5)
    assert made == [0, 1]


def test_what_goes_wrong_is_raised_after_what_came_before() -> None:
    def numbers() -> Iterator[int]:
        yield 1
        raise ZeroDivisionError

    found: list[int] = []
    with pytest.raises(ZeroDivisionError):
        found.extend(prefetch(numbers()))
    coming = prefetch(numbers())
    assert next(coming) == 1
    with pytest.raises(ZeroDivisionError):
        next(coming)


def test_nobody_waits_for_what_is_not_asked_for() -> None:
    gate = threading.Event()

    def numbers() -> Iterator[int]:
        yield 1
        gate.wait(30)
        yield 2

    coming = prefetch(numbers())
    assert next(coming) == 1
    coming.close()  # type: ignore[attr-defined]  # a generator
    gate.set()
