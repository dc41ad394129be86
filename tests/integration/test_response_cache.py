"""A repeated request to an unchanged store is answered from memory. No other request is."""

import time
from datetime import timedelta
from typing import Any

import pytest

from schemas.partner import Partner
from server.store import Store, collections, partners
from server.web.taxii import response_cache
from server.web.taxii.application import call_wsgi
from server.web.taxii.auth import Authenticator
from server.web.taxii.endpoints import ObjectEndpoints, TaxiiRequest
from server.web.taxii.limits import PartnerQuotas
from server.web.taxii.proxies import TrustedProxies
from tests.integration.taxii_hub import KNOWN, OBJECTS, TaxiiHub, indicator


@pytest.fixture(autouse=True)
def _patient(hub: TaxiiHub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Allow the fast path more than three milliseconds, because a busy machine can need more."""
    monkeypatch.setattr(hub.application._fast_store, "_patience", 30.0)


@pytest.fixture
def answers(hub: TaxiiHub, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Queries answered by the object endpoints and not from memory."""
    made: list[str] = []
    monkeypatch.setattr(response_cache, "_SECONDS", 60.0)
    respond = ObjectEndpoints.respond

    def noted(self: ObjectEndpoints, store: Store, partner: Partner, remote: str, request: TaxiiRequest) -> Any:
        made.append(request.environ["QUERY_STRING"])
        return respond(self, store, partner, remote, request)

    monkeypatch.setattr(ObjectEndpoints, "respond", noted)
    return made


def test_repeated_request_to_an_unchanged_store_is_answered_from_memory(hub: TaxiiHub, answers: list[str]) -> None:
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
def test_different_request_is_never_answered_from_memory(hub: TaxiiHub, other: dict[str, str]) -> None:
    before = hub.application.respond_fast(hub.environ(OBJECTS))
    assert hub.application.respond_fast(hub.environ(OBJECTS, **other)) != before


def test_next_request_sees_every_change_of_the_store(hub: TaxiiHub) -> None:
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


@pytest.mark.long
def test_stored_response_is_not_served_after_credentials_expire(hub: TaxiiHub) -> None:
    with hub.store.begin() as tx:
        partners.rotate(tx, "bank", overlap=timedelta(seconds=2))
    ended = time.monotonic() + 2
    environ = hub.environ(OBJECTS)
    statuses = []
    # A stored response is less than one second old when the credentials expire.
    while time.monotonic() < ended + 1.5 or not statuses:
        answer = hub.application.respond_fast(dict(environ))
        assert answer is not None
        statuses.append(answer.status)
        time.sleep(0.05)
    assert statuses == sorted(statuses)
    assert statuses[-1] == 401


def test_repeated_answers_count_against_the_rate(hub: TaxiiHub) -> None:
    limited = Authenticator(TrustedProxies(), PartnerQuotas(requests_per_minute=20))
    hub.application._authenticator = limited
    statuses = [_status(hub) for _ in range(25)]
    assert statuses == [200] * 20 + [429] * 5


def _status(hub: TaxiiHub) -> int:
    """Send a request as the worker does: on the fast path, or in a thread if the fast path declines."""
    environ = hub.environ(OBJECTS)
    answer = hub.application.respond_fast(environ)
    return answer.status if answer is not None else int(call_wsgi(hub.application, environ)[0][:3])
