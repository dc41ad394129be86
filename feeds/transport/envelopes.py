"""Sends objects in envelopes within the peer's limit, and halves a refused one to find the object at fault."""

import re
from collections.abc import Callable, Iterator, Sequence

import requests

from feeds.connector import Answer, TryLater
from feeds.transport.client import RequestRefused
from server.store.item import Item

# After this many consecutive refusals the cause is not in the objects.
_MOST_REFUSED = 25
_LONGEST_ANSWER = 200
_PAGE = re.compile(rb"\s*<(!doctype\s+html|html)\b", re.IGNORECASE)


class EnvelopeSender:
    """Cuts items into envelopes, and halves a refused envelope until all other objects have arrived."""

    def __init__(
        self,
        peer: str,
        post: Callable[[list[Item]], list[Answer]],
        *,
        most_bytes: int,
        most_items: int = 10_000,
        around: int = 400,
        between: int = 100,
    ) -> None:
        """Send with ``post``, which raises ``RequestRefused`` if the peer accepts nothing. ``peer`` is for messages.

        ``around`` and ``between`` are the bytes of an envelope around and between its objects.
        """
        self._peer = peer
        self._post = post
        self._most_bytes = most_bytes
        self._most_items = most_items
        self._around, self._between = around, between
        self._refused = 0

    def send(self, items: Sequence[Item]) -> list[Answer]:
        """Send ``items`` in order, and return the peer's answer to each."""
        answers: list[Answer] = []
        for envelope in self._cut(items):
            if len(envelope) == 1 and len(envelope[0].body) + self._around > self._most_bytes:
                text = f"failed: larger than the {self._most_bytes} bytes that may be sent at once"
                answers.append(Answer(envelope[0], False, text))
            else:
                answers += self._send(envelope)
        return answers

    def _cut(self, items: Sequence[Item]) -> Iterator[list[Item]]:
        envelope: list[Item] = []
        size = self._around
        for item in items:
            if envelope and (size + self._size(item) > self._most_bytes or len(envelope) == self._most_items):
                yield envelope
                envelope, size = [], self._around
            envelope.append(item)
            size += self._size(item)
        if envelope:
            yield envelope

    def _send(self, items: list[Item]) -> list[Answer]:
        try:
            answers = self._post(items)
        except RequestRefused as refusal:
            return self.send_halves(items, refusal)
        self._refused = 0
        return answers

    def send_halves(self, items: list[Item], refusal: object) -> list[Answer]:
        """Send the halves of a refused envelope; return the answer if it has only one object.

        Raises ``TryLater`` if the peer refuses many objects in a row.
        """
        if len(items) > 1:
            half = len(items) // 2
            return self._send(items[:half]) + self._send(items[half:])
        self._refused += 1
        if self._refused >= _MOST_REFUSED:
            raise TryLater(f"{self._peer}: refuses one object after another ({refusal})")
        return [Answer(items[0], False, f"failed: {refusal}")]

    def _size(self, item: Item) -> int:
        return len(item.body) + self._between


def check_no_page(peer: str, answer: requests.Response) -> None:
    """Raise ``TryLater`` for an HTML page: it is from a proxy or a login form, and nothing was accepted."""
    if _PAGE.match(answer.content):
        raise TryLater(f"{peer}: responds with a web page, perhaps of a proxy or a login form")


def check_whole(peer: str, answer: requests.Response) -> None:
    """Raise ``TryLater`` for a response that is not text, or truncated JSON: perhaps nothing was accepted."""
    body = answer.content.strip()
    is_json = "json" in answer.headers.get("Content-Type", "").lower() or body.startswith((b"{", b"["))
    try:
        body.decode()
        if is_json and body:
            answer.json()
    except (UnicodeDecodeError, requests.exceptions.JSONDecodeError) as error:
        raise TryLater(f"{peer}: its response is neither text nor JSON") from error


def refused_answer(item: Item, message: object) -> Answer:
    """Return the answer for an object that the peer refused, with the beginning of its message."""
    return Answer(item, False, f"failed: {message}"[:_LONGEST_ANSWER])


def skipped_answer(item: Item, why: str) -> Answer:
    """Return the answer for an object that was not sent because the peer does not support it."""
    return Answer(item, True, f"passed over: {why}")
