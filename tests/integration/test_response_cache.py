"""A request that comes again to an unchanged store is answered from memory, and no other request is."""

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
from tests.integration.taxii_hub import KNOWN, OBJECTS, TaxiiHub, indicator


@pytest.fixture
def answers(hub: TaxiiHub, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The queries that the object endpoints answered, which is not from memory."""
    made: list[str] = []
    respond = ObjectEndpoints.respond

    def noted(self: ObjectEndpoints, store: Store, partner: Partner, remote: str, request: TaxiiRequest) -> Any:
        made.append(request.environ["QUERY_STRING"])
        return respond(self, store, partner, remote, request)

    monkeypatch.setattr(ObjectEndpoints, "respond", noted)
    return made


def test_the_same_question_to_an_unchanged_store_is_answered_from_memory(hub: TaxiiHub, answers: list[str]) -> None:
    first, second = (hub.application.respond_fast(hub.environ(OBJECTS + "?limit=7")) for _ in range(2))
    assert first is not None
    assert first == second
    assert answers == ["limit=7"]


def test_long_questions_are_answered_and_not_remembered(hub: TaxiiHub, answers: list[str]) -> None:
    query = f"?match[id]={','.join([KNOWN] * 300)}"
    first, second = (hub.application.respond_fast(hub.environ(OBJECTS + query)) for _ in range(2))
    assert first is not None
    assert first == second
    assert len(answers) == 2


@pytest.mark.parametrize(
    "other", [{"HTTP_AUTHORIZATION": "Bearer wrong"}, {"HTTP_ACCEPT": "text/html"}, {"HTTP_ACCEPT_ENCODING": "gzip"}]
)
def test_another_question_is_never_answered_from_memory(hub: TaxiiHub, other: dict[str, str]) -> None:
    before = hub.application.respond_fast(hub.environ(OBJECTS))
    assert hub.application.respond_fast(hub.environ(OBJECTS, **other)) != before


def test_whatever_changes_in_the_store_is_seen_by_the_next_request(hub: TaxiiHub) -> None:
    def respond() -> tuple[int, int]:
        answer = hub.application.respond_fast(hub.environ(OBJECTS + "?match[type]=indicator"))
        assert answer is not None
        return answer.status, answer.objects_out

    assert respond() == respond() == (200, 39)
    hub.add(indicator())
    assert respond() == respond() == (200, 40)
    with hub.store.begin() as tx:
        collections.revoke(tx, "bank", hub.collection)
    assert respond()[0] == 404
    with hub.store.begin() as tx:
        collections.grant(tx, "bank", hub.collection, read=True)
    assert respond() == (200, 40)
    with hub.store.begin() as tx:
        partners.rotate(tx, "bank", overlap=timedelta(0))
    assert respond()[0] == 401


def test_credentials_that_end_by_the_clock_are_not_outlived_by_an_answer(hub: TaxiiHub) -> None:
    with hub.store.begin() as tx:
        partners.rotate(tx, "bank", overlap=timedelta(seconds=0.3))
    environ = hub.environ(OBJECTS)
    statuses = set()
    end = time.monotonic() + 1.5
    while time.monotonic() < end:
        answer = hub.application.respond_fast(dict(environ))
        assert answer is not None
        statuses.add(answer.status)
        time.sleep(0.05)
    assert statuses == {200, 401}
    assert answer.status == 401


def test_repeated_answers_count_against_the_rate(hub: TaxiiHub) -> None:
    limited = Authenticator(TrustedProxies(), PartnerQuotas(requests_per_minute=20))
    hub.application._authenticator = limited
    statuses = [_status(hub) for _ in range(25)]
    assert statuses == [200] * 20 + [429] * 5


def _status(hub: TaxiiHub) -> int:
    """Ask as the worker does: by the fast path, and in a thread where that will not do."""
    environ = hub.environ(OBJECTS)
    answer = hub.application.respond_fast(environ)
    return answer.status if answer is not None else int(call_wsgi(hub.application, environ)[0][:3])
