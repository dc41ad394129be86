"""What is asked again of an unchanged store is answered from memory, and nothing else is."""

import time
from datetime import timedelta
from typing import Any

import pytest

from schemas.partner import Partner
from server.http.messages import call_wsgi
from server.store import Store, collections, partners
from server.taxii import application as hot_path, auth
from tests.integration.room import KNOWN, OBJECTS, Room, indicator


@pytest.fixture
def answers(room: Room, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was asked of the database for an answer at a glance, not repeated."""
    made: list[str] = []
    respond = hot_path.respond

    def noted(store: Store, pages: Any, partner: Partner, asked: Any) -> Any:
        made.append(asked.environ["QUERY_STRING"])
        return respond(store, pages, partner, asked)

    monkeypatch.setattr(hot_path, "respond", noted)
    return made


def test_the_same_question_to_an_unchanged_store_is_answered_from_memory(room: Room, answers: list[str]) -> None:
    first, second = (room.hot.quick(room.environ(OBJECTS + "?limit=7")) for _ in range(2))
    assert first is not None
    assert first == second
    assert answers == ["limit=7"]


def test_long_questions_are_answered_and_not_remembered(room: Room, answers: list[str]) -> None:
    query = f"?match[id]={','.join([KNOWN] * 300)}"
    first, second = (room.hot.quick(room.environ(OBJECTS + query)) for _ in range(2))
    assert first is not None
    assert first == second
    assert len(answers) == 2


@pytest.mark.parametrize(
    "other", [{"HTTP_AUTHORIZATION": "Bearer wrong"}, {"HTTP_ACCEPT": "text/html"}, {"HTTP_ACCEPT_ENCODING": "gzip"}]
)
def test_another_question_is_never_answered_by_what_was_said_before(room: Room, other: dict[str, str]) -> None:
    before = room.hot.quick(room.environ(OBJECTS))
    assert room.hot.quick(room.environ(OBJECTS, **other)) != before


def test_whatever_changes_in_the_store_is_seen_by_the_next_request(room: Room) -> None:
    def asked() -> tuple[int, int]:
        answer = room.hot.quick(room.environ(OBJECTS + "?match[type]=indicator"))
        assert answer is not None
        return answer.status, answer.objects_out

    assert asked() == asked() == (200, 39)
    room.add(indicator())
    assert asked() == asked() == (200, 40)
    with room.store.begin() as tx:
        collections.revoke(tx, "bank", room.collection)
    assert asked()[0] == 404
    with room.store.begin() as tx:
        collections.grant(tx, "bank", room.collection, read=True)
    assert asked() == (200, 40)
    with room.store.begin() as tx:
        partners.rotate(tx, "bank", overlap=timedelta(0))
    assert asked()[0] == 401


def test_credentials_that_end_by_the_clock_are_not_outlived_by_an_answer(room: Room) -> None:
    with room.store.begin() as tx:
        partners.rotate(tx, "bank", overlap=timedelta(seconds=0.3))
    environ = room.environ(OBJECTS)
    statuses = set()
    end = time.monotonic() + 1.5
    while time.monotonic() < end:
        answer = room.hot.quick(dict(environ))
        assert answer is not None
        statuses.add(answer.status)
        time.sleep(0.05)
    assert statuses == {200, 401}
    assert answer.status == 401


def test_repeated_answers_count_against_the_rate(room: Room) -> None:
    auth.limit(requests_per_minute=20, objects_per_day=0)
    try:
        statuses = [_status(room) for _ in range(25)]
    finally:
        auth.limit(requests_per_minute=0, objects_per_day=0)
    assert statuses == [200] * 20 + [429] * 5


def _status(room: Room) -> int:
    """Ask as the worker does: at a glance, and at leisure where that will not do."""
    environ = room.environ(OBJECTS)
    answer = room.hot.quick(environ)
    return answer.status if answer is not None else int(call_wsgi(room.hot, environ)[0][:3])
