"""The JSON of a TAXII server's responses."""

import threading
from collections.abc import Iterator

import pytest
import requests

from feeds.transport.client import LoginSettings
from feeds.transport.taxii import open_connection, prefetch


def answer(body: bytes) -> requests.Response:
    response = requests.Response()
    response.status_code, response._content = 200, body
    return response


@pytest.mark.parametrize(
    "text",
    [
        '{"objects":[{"id":"a","count":18446744073709551616}]}',
        '{"name":"\\ud800"}',
        "\ufeff{}",
        "[1e400]",
    ],
)
def test_fast_parser_agrees_with_the_strict_parser(text: str) -> None:
    settings = LoginSettings()
    session = open_connection(settings, "https://peer.example.com/").session
    response = answer(text.encode())
    careful = response.json
    for hook in session.hooks["response"]:
        hook(response)
    assert repr(response.json()) == repr(careful())


def test_items_keep_their_order() -> None:
    assert list(prefetch(range(100))) == [*range(100)]
    assert list(prefetch([])) == []


def test_one_item_is_prepared_ahead() -> None:
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
    assert second.wait(60)
    assert made == [0, 1]


def test_error_is_raised_after_the_earlier_items() -> None:
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


def test_unused_items_are_not_awaited() -> None:
    gate = threading.Event()

    def numbers() -> Iterator[int]:
        yield 1
        gate.wait(60)
        yield 2

    coming = prefetch(numbers())
    assert next(coming) == 1
    coming.close()  # type: ignore[attr-defined]  # a generator
    gate.set()
