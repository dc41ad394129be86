"""Sends objects in envelopes of a size that the peer takes, and halves a refused one to find the object at fault."""

import re
from collections.abc import Callable, Iterator, Sequence

import requests

from feeds.connector import Answer, TryLater
from feeds.http.failures import RequestRefused
from server.store.item import Item

# What an envelope has around and between its objects.
_AROUND, _BETWEEN = 400, 100
# Who refuses so many objects in a row has another reason than the objects.
_MOST_REFUSED = 25
_LONGEST_ANSWER = 200
_PAGE = re.compile(rb"\s*<(!doctype\s+html|html)\b", re.IGNORECASE)


class EnvelopeSender:
    """Cuts items into envelopes, and halves what the peer refuses until the rest has arrived."""

    def __init__(
        self, peer: str, post: Callable[[Sequence[Item]], list[Answer]], *, most_bytes: int, most_items: int = 10_000
    ) -> None:
        """Send by ``post``, which raises ``RequestRefused`` if the peer takes nothing. ``peer`` is for messages."""
        self._peer = peer
        self._post = post
        self._most_bytes = most_bytes
        self._most_items = most_items
        self._refused = 0

    def send(self, items: Sequence[Item]) -> list[Answer]:
        """Send ``items`` in order, and return the peer's answer to each."""
        answers: list[Answer] = []
        for envelope in self._cut(items):
            if len(envelope) == 1 and _size(envelope[0]) + _AROUND > self._most_bytes:
                text = f"failed: larger than the {self._most_bytes} bytes that are sent at once"
                answers.append(Answer(envelope[0], False, text))
            else:
                answers += self._send(envelope)
        return answers

    def _cut(self, items: Sequence[Item]) -> Iterator[list[Item]]:
        envelope: list[Item] = []
        size = _AROUND
        for item in items:
            if envelope and (size + _size(item) > self._most_bytes or len(envelope) == self._most_items):
                yield envelope
                envelope, size = [], _AROUND
            envelope.append(item)
            size += _size(item)
        if envelope:
            yield envelope

    def _send(self, items: list[Item]) -> list[Answer]:
        try:
            answers = self._post(items)
        except RequestRefused as refusal:
            if len(items) > 1:
                half = len(items) // 2
                return self._send(items[:half]) + self._send(items[half:])
            self._refused += 1
            if self._refused >= _MOST_REFUSED:
                raise TryLater(f"{self._peer}: refuses one object after another ({refusal})") from refusal
            return [Answer(items[0], False, f"failed: {refusal}")]
        self._refused = 0
        return answers


def check_no_page(peer: str, answer: requests.Response) -> None:
    """Raise ``TryLater`` for an HTML page: a proxy or a login answered, and nothing was accepted."""
    if _PAGE.match(answer.content):
        raise TryLater(f"{peer}: answers with a page for people, as a proxy or a login does")


def check_whole(peer: str, answer: requests.Response) -> None:
    """Raise ``TryLater`` for an answer that is no text, or truncated JSON: perhaps nothing was accepted."""
    body = answer.content.strip()
    is_json = "json" in answer.headers.get("Content-Type", "").lower() or body.startswith((b"{", b"["))
    try:
        body.decode()
        if is_json and body:
            answer.json()
    except (UnicodeDecodeError, requests.exceptions.JSONDecodeError) as error:
        raise TryLater(f"{peer}: answers with what is neither text nor JSON") from error


def refused_answer(item: Item, message: object) -> Answer:
    """Return the answer for an object that the peer refused, with the beginning of its message."""
    return Answer(item, False, f"failed: {message}"[:_LONGEST_ANSWER])


def skipped_answer(item: Item, why: str) -> Answer:
    """Return the answer for an object that was not sent because the peer has no place for it."""
    return Answer(item, True, f"passed over: {why}")


def _size(item: Item) -> int:
    return len(item.body) + _BETWEEN
