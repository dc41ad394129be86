"""The endpoints under ``/api/``: their routes, and what each may be asked."""

import re
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from schemas.api.lookup import LookupAnswer, LookupQuestion, LookupRequest
from schemas.partner import Partner
from schemas.report import MAX_VALUE
from server.api import answers
from server.api.active_sets import ActiveSetEndpoints
from server.api.answers import CacheSeconds
from server.api.limits import AddressQuota, LookupQuota, LookupSettings
from server.api.openapi import description
from server.release.route.policy import PUBLIC
from server.store import Store, StoreUnavailable, lookups
from server.store.objects.fast_reads import NotFast, remembered
from server.taxii.errors import TaxiiError
from server.taxii.limits import PartnerQuotas
from server.taxii.other_endpoints import Description, OtherRequest, RouteMethods
from server.taxii.request_body import Stream, announced, received
from server.taxii.response import JSON, TaxiiResponse

_PREFIX = "/api/"
_MOST_BYTES = 1024 * 1024
# More values than these, or more characters in all, take longer to read than an answer that takes no time.
_MOST_FAST_VALUES, _MOST_FAST_TEXT = 16, 1_024
_METHODS = RouteMethods({"lookup": "POST", "check": "GET", "digest": "GET", "active": "GET"})
_OF_COLLECTION = re.compile(r"/api/collections/(?P<id>[^/]+)/(?P<route>digest|active)/?")
_PATHS = {"/api/lookup": "lookup", "/api/check": "check"}
# What a request was counted as: one that is looked at twice, as the first time took too long, is counted once.
_COUNTED = "scamfeed.lookup-counted"
# The answer is of this moment, and the address names the value that was asked about.
_UNKEPT = ("Cache-Control", "no-store")

_questions = msgspec.json.Decoder(LookupRequest)
_PLACE = re.compile(r" - at `(\$[.\w\[\]]*)`$")


class ApiEndpoints:
    """The endpoints under ``/api/`` of one application."""

    def __init__(self, store: Store, settings: LookupSettings, quotas: PartnerQuotas) -> None:
        """Keep digests in ``store``, and limit look-ups by ``settings``, all else by ``quotas``."""
        self._active_sets = ActiveSetEndpoints(store, quotas)
        self._quota = LookupQuota(settings)
        self._addresses = AddressQuota(settings.checks_per_minute)
        self._cache = CacheSeconds(settings.hit_seconds, settings.miss_seconds)

    def describe(self) -> Description:
        """Describe these endpoints for clients."""
        return description()

    def find(self, environ: dict[str, Any]) -> OtherRequest | None:
        """Return the request where its path is one of these."""
        path: str = environ["PATH_INFO"]
        if not path.startswith(_PREFIX):
            return None
        name = _PATHS.get(path.rstrip("/"))
        if name is not None:
            return OtherRequest(name, "", environ)
        found = _OF_COLLECTION.fullmatch(path)
        return None if found is None else OtherRequest(found["route"], found["id"], environ)

    def is_open(self, request: OtherRequest) -> bool:
        """Return whether anybody may send the request: a check of what is public."""
        return request.route == "check"

    def body_limit(self, request: OtherRequest) -> int:
        """Return how many bytes the body of a look-up may have; 0 for any other request."""
        return _MOST_BYTES if request.route == "lookup" and request.method == "POST" else 0

    def check(self, request: OtherRequest) -> None:
        """Refuse a method that the route does not have, and a body that is no JSON. Raises ``TaxiiError``."""
        _METHODS.check(request)

    def respond(self, store: Store, partner: Partner | None, remote: str, request: OtherRequest) -> TaxiiResponse:
        """Answer a request. Raises ``TaxiiError`` and ``NotFast``."""
        if (allowed := _METHODS.options(request)) is not None:
            return allowed
        if partner is None:
            return self._check(store, remote, request)
        if "\x00" in request.collection:
            raise TaxiiError("not-found")
        if request.route == "digest":
            return self._active_sets.digest(store, partner, request.collection)
        if request.route == "active":
            return self._active_sets.active(store, partner, request.collection)
        return self._look_up(store, partner, request)

    def _look_up(self, store: Store, partner: Partner, request: OtherRequest) -> TaxiiResponse:
        values = _asked(request)
        if store.is_fast and not _is_read_fast(values):
            raise NotFast
        if _COUNTED not in request.environ:
            request.environ[_COUNTED] = self._quota.spend(store, partner.name, values)
        spent: int = request.environ[_COUNTED]
        try:
            with store.read() as tx:
                logs = remembered(tx, ("logs", partner.name), lambda: lookups.readable_logs(tx, partner.name))
                found = answers.answer(tx, values, logs or {}, self._cache)
        except StoreUnavailable:
            self._quota.settle(store, partner.name, spent, len(values))
            raise
        self._quota.settle(store, partner.name, spent, len(values), found.missed)
        return TaxiiResponse(
            200,
            msgspec.json.encode(found.answer),
            (_UNKEPT, *self._quota.headers(partner.name)),
            JSON,
            objects_in=len(values),
            objects_out=found.found,
        )

    def _check(self, store: Store, remote: str, request: OtherRequest) -> TaxiiResponse:
        question = _question(request)
        if store.is_fast and not _is_read_fast([question]):
            raise NotFast
        if _COUNTED not in request.environ:
            self._addresses.spend(remote)
            request.environ[_COUNTED] = True
        answer = self._check_answer(store, question)
        return TaxiiResponse(200, msgspec.json.encode(answer), (_UNKEPT,), JSON, objects_in=1)

    def check_public(self, store: Store, remote: str, question: LookupQuestion) -> LookupAnswer:
        """Answer the page that checks a value as ``/api/check`` answers, within one limit. Raises ``TaxiiError``."""
        self._addresses.spend(remote)
        return self._check_answer(store, question)

    def _check_answer(self, store: Store, question: LookupQuestion) -> LookupAnswer:
        with store.read() as tx:
            logs = remembered(tx, ("public-logs",), lambda: lookups.public_logs(tx, PUBLIC))
            return answers.answer(tx, [question], logs or {}, self._cache).answer


def _asked(request: OtherRequest) -> list[LookupQuestion]:
    """Return the values that a look-up asks about. Raises ``TaxiiError``."""
    length = announced(request.environ)
    with ExitStack() as stack:
        if "HTTP_CONTENT_ENCODING" in request.environ or not 0 <= length <= _MOST_BYTES:
            body: Stream = stack.enter_context(received(request.environ, _MOST_BYTES))[0]
            length = -1
        else:
            body = request.environ["wsgi.input"]
        try:
            return _questions.decode(body.read(length)).values
        except msgspec.ValidationError as error:
            place = _PLACE.search(str(error))
            raise TaxiiError("not-a-lookup", place=place[1] if place else "$") from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise TaxiiError("not-json-body") from None


def _question(request: OtherRequest) -> LookupQuestion:
    """Return the value that a check asks about. Raises ``TaxiiError``."""
    query = request.environ.get("QUERY_STRING", "")
    try:
        text = query.encode("latin-1").decode(errors="replace")
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise TaxiiError("too-many-parameters", most=_MOST_FIELDS) from error
    given = dict(pairs)
    if len(given) < len(pairs) or "value" not in given or len(given["value"]) > MAX_VALUE:
        raise TaxiiError("not-a-check")
    kind = given.get("kind") or None
    details = {name: value for name, value in given.items() if name not in ("value", "kind")}
    return LookupQuestion(given["value"], kind, details)


def _is_read_fast(questions: Sequence[LookupQuestion]) -> bool:
    """Return whether it takes no time to read what is asked; a text may become eighteen times as long meanwhile."""
    texts = (len(question.value) + sum(map(len, question.details.values())) for question in questions)
    return len(questions) <= _MOST_FAST_VALUES and sum(texts) <= _MOST_FAST_TEXT


_MOST_FIELDS = 12
