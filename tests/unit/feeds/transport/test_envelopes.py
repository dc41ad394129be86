"""Objects in envelopes: a refused object does not affect the others."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings, strategies as st

from feeds.connector import Answer, TryLater
from feeds.transport.client import RequestRefused
from feeds.transport.envelopes import EnvelopeSender, refused_answer, skipped_answer
from server.store.item import Item


def item(number: int, size: int = 10) -> Item:
    return Item(f"url--{number}", "url", "2.1", None, False, b"x" * size)


class Peer:
    def __init__(self, bad: set[str]) -> None:
        self.bad = bad
        self.took: list[str] = []
        self.asked: list[list[Item]] = []

    def post(self, items: Sequence[Item]) -> list[Answer]:
        self.asked.append(list(items))
        if any(item.id in self.bad for item in items):
            raise RequestRefused(422)
        self.took += [item.id for item in items]
        return [Answer(item, True, "success") for item in items]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2000), st.booleans()), max_size=40), st.integers(1, 12))
def test_each_object_has_one_result_in_order_and_arrives_unless_refused(
    drawn: list[tuple[int, bool]], most: int
) -> None:
    items = [item(number, size) for number, (size, _) in enumerate(drawn)]
    bad = {item(number).id for number, (_, is_bad) in enumerate(drawn) if is_bad}
    peer = Peer(set(sorted(bad)[:20]))
    answers = EnvelopeSender("peer", peer.post, most_bytes=5000, most_items=most).send(items)
    assert [answer.item for answer in answers] == items
    assert peer.took == [item.id for item in items if item.id not in peer.bad]
    assert {answer.item.id for answer in answers if not answer.taken} == peer.bad
    assert all(len(asked) <= most and sum(len(item.body) for item in asked) < 5000 for asked in peer.asked)


def test_object_larger_than_an_envelope_is_refused_unsent() -> None:
    peer = Peer(set())
    answers = EnvelopeSender("peer", peer.post, most_bytes=1000).send([item(0), item(1, 2000), item(2)])
    assert [answer.taken for answer in answers] == [True, False, True]
    assert answers[1].text.startswith("failed: larger than the 1000 bytes")


def test_peer_that_refuses_every_object_is_tried_later() -> None:
    items = [item(number) for number in range(100)]
    peer = Peer({item.id for item in items})
    with pytest.raises(TryLater, match="refuses one object after another"):
        EnvelopeSender("the peer", peer.post, most_bytes=100_000).send(items)
    assert len(peer.asked) < 100


def test_an_answer_keeps_the_beginning_of_the_peers_message() -> None:
    assert refused_answer(item(0), "x" * 1000).text == "failed: " + "x" * 192
    assert skipped_answer(item(0), "no place").taken
