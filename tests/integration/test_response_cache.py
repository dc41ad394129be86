"""What is asked again of an unchanged store is answered from memory, and nothing else is."""

import time
from datetime import timedelta
from typing import Any

import pytest

from schemas.partner import Partner
from server.store import Store, collections, partners
from server.taxii.application import call_wsgi
from server.taxii.auth import Authenticator
from server.taxii.endpoints import ObjectEndpoints, TaxiiRequest
from server.taxii.limits import PartnerQuotas
from server.taxii.proxies import TrustedProxies
from tests.integration.room import KNOWN, OBJECTS, Room, indicator


@pytest.fixture
def answers(room: Room, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The queries that the object endpoints answered, which is not from memory."""
    made: list[str] = []
    respond = ObjectEndpoints.respond

    def noted(self: ObjectEndpoints, store: Store, partner: Partner, remote: str, request: TaxiiRequest) -> Any:
        made.append(request.environ["QUERY_STRING"])
        return respond(self, store, partner, remote, request)

    monkeypatch.setattr(ObjectEndpoints, "respond", noted)
    return made


def test_the_same_question_to_an_unchanged_store_is_answered_from_memory(room: Room, answers: list[str]) -> None:
    first, second = (room.application.respond_fast(room.environ(OBJECTS + "?limit=7")) for _ in range(2))
    assert first is not None
    assert first == second
    assert answers == ["limit=7"]


def test_long_questions_are_answered_and_not_remembered(room: Room, answers: list[str]) -> None:
    query = f"?match[id]={','.join([KNOWN] * 300)}"
    first, second = (room.application.respond_fast(room.environ(OBJECTS + query)) for _ in range(2))
    assert first is not None
    assert first == second
    assert len(answers) == 2


@pytest.mark.parametrize(
    "other", [{"HTTP_AUTHORIZATION": "Bearer wrong"}, {"HTTP_ACCEPT": "text/html"}, {"HTTP_ACCEPT_ENCODING": "gzip"}]
)
def test_another_question_is_never_answered_by_what_was_said_before(room: Room, other: dict[str, str]) -> None:
    before = room.application.respond_fast(room.environ(OBJECTS))
    assert room.application.respond_fast(room.environ(OBJECTS, **other)) != before


def test_whatever_changes_in_the_store_is_seen_by_the_next_request(room: Room) -> None:
    def asked() -> tuple[int, int]:
        answer = room.application.respond_fast(room.environ(OBJECTS + "?match[type]=indicator"))
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
        answer = room.application.respond_fast(dict(environ))
        assert answer is not None
        statuses.add(answer.status)
        time.sleep(0.05)
    assert statuses == {200, 401}
    assert answer.status == 401


def test_repeated_answers_count_against_the_rate(room: Room) -> None:
    limited = Authenticator(TrustedProxies(), PartnerQuotas(requests_per_minute=20))
    room.application._authenticator = limited
    statuses = [_status(room) for _ in range(25)]
    assert statuses == [200] * 20 + [429] * 5


def _status(room: Room) -> int:
    """Ask as the worker does: by the fast path, and in a thread where that will not do."""
    environ = room.environ(OBJECTS)
    answer = room.application.respond_fast(environ)
    return answer.status if answer is not None else int(call_wsgi(room.application, environ)[0][:3])
