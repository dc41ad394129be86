"""Look-ups of values: ``/api/lookup`` for partners, and ``/api/check`` for everybody, against public listings."""

from collections.abc import Sequence

from schemas.api.lookup import (
    KINDS_WITH_NUMBERS,
    NUMBERED_KINDS,
    LookupAnswer,
    LookupQuestion,
    LookupRequest,
    is_number,
)
from schemas.reference.sites import load_shared_services
from schemas.report import MAX_VALUE
from server.features.lookups import answers, queries
from server.features.lookups.answers import CacheSeconds
from server.operations.rights import ANYBODY
from server.release.route.policy import PUBLIC
from server.settings import Settings
from server.store import Store, StoreUnavailable
from server.store.objects.fast_reads import NotFast, remembered
from server.store.quotas import RequestMeter
from server.web.api.routes import (
    NO_STORE,
    AddressLimit,
    ApiCall,
    ApiRoute,
    ApiService,
    ApiSite,
    Parameter,
    RequestBody,
    ResponseBody,
    json_response,
)
from server.web.taxii.errors import Headers, TaxiiError, retry_later
from server.web.taxii.openapi_schemas import STRING
from server.web.taxii.response import TaxiiResponse

_SECONDS = 60
_MOST_BYTES = 1024 * 1024
_MOST_PARAMETERS = 12
# More values or characters take too long for the event loop.
_MOST_FAST_VALUES, _MOST_FAST_TEXT = 16, 1_024
# The values that a request was counted as. A request that is answered twice, the second time in a thread, counts once.
_COUNTED = "scamfeed.lookup-counted"
_CHECKS = AddressLimit(lambda settings: settings.check_rate_limit)


class Lookups(ApiService):
    """The look-ups of one application, and their limits."""

    def __init__(self, site: ApiSite) -> None:
        """Limit look-ups by the settings of ``site``."""
        super().__init__(site)
        load_shared_services()
        settings = site.settings
        self._quota = LookupQuota(settings)
        self._cache = CacheSeconds(settings.lookup_hit_seconds, settings.lookup_miss_seconds)

    def look_up(self, call: ApiCall) -> TaxiiResponse:
        """Look values up in all that a partner may read. Raises ``TaxiiError`` and ``NotFast``."""
        values, store, partner = call.read(LookupRequest).values, call.store, call.partner
        if store.is_fast and not _is_read_fast(values):
            raise NotFast
        if _COUNTED not in call.environ:
            call.environ[_COUNTED] = self._quota.spend(store, partner.counts_as, values)
        spent: int = call.environ[_COUNTED]
        try:
            with store.read() as tx:
                logs = remembered(tx, ("logs", partner.name), lambda: queries.readable_logs(tx, partner.name))
                found = answers.answer(tx, values, logs or {}, self._cache, self.site.settings.country)
        except StoreUnavailable:
            self._quota.settle(store, partner.counts_as, spent, len(values))
            raise
        self._quota.settle(store, partner.counts_as, spent, len(values), found.numbered)
        headers = (NO_STORE, *self._quota.headers(partner.counts_as))
        return json_response(found.answer, headers=headers, objects_in=len(values), objects_out=found.found)

    def check(self, store: Store, question: LookupQuestion) -> LookupAnswer:
        """Return the public listings of a value."""
        with store.read() as tx:
            logs = remembered(tx, ("public-logs",), lambda: queries.public_logs(tx, PUBLIC))
            return answers.answer(tx, [question], logs or {}, self._cache, self.site.settings.country).answer

    def check_public(self, store: Store, remote: str, question: LookupQuestion) -> LookupAnswer:
        """Check a value for the page, under the same limit of addresses. Raises ``TaxiiError``."""
        self.site.addresses(_CHECKS).spend(remote)
        return self.check(store, question)


class LookupQuota:
    """The quota of each partner in values, counted over all processes and nodes.

    A value costs 1. A value of a numbered kind that is not found costs more, so that enumerating numbers uses it up.
    """

    def __init__(self, settings: Settings) -> None:
        """Limit by ``settings``."""
        self._limit = settings.lookup_values
        self._miss_cost = settings.lookup_miss_cost
        self._meter = RequestMeter("lookups", self._limit, _SECONDS)
        self._policy = ("RateLimit-Policy", f'"lookups";q={self._limit};w={_SECONDS}')

    def spend(self, store: Store, partner: str, questions: Sequence[LookupQuestion]) -> int:
        """Count values before the look-up as if none were found, and return the count for ``settle``.

        If the quota is small for the request, only a part is counted before. Raises ``TaxiiError`` 429, and ``NotFast``
        if ``settle`` may have to write more than a fast store does.
        """
        if not self._limit:
            return 0
        most = sum(self._miss_cost if _may_be_numbered(question) else 1 for question in questions)
        counted = min(most, max(len(questions), self._meter.largest_slice))
        if counted < most and store.is_fast:
            raise NotFast
        wait = self._meter.spend(store, partner, counted)
        if wait:
            raise retry_later("too-many-lookups", wait, self.headers(partner))
        return counted

    def settle(self, store: Store, partner: str, spent: int, values: int, numbered: int = 0) -> None:
        """Correct the count of a request: ``numbered`` of its values were not found, and may be numbers."""
        self._meter.settle(store, partner, spent, values + numbered * (self._miss_cost - 1))

    def headers(self, partner: str) -> Headers:
        """Return the headers with the state of a partner's quota; none without a limit."""
        if not self._limit:
            return ()
        state = self._meter.state(partner)
        return self._policy, ("RateLimit", f'"lookups";r={state.remaining};t={state.seconds}')


def _may_be_numbered(question: LookupQuestion) -> bool:
    # The page of an account is read as the account.
    if question.kind == "url" or question.kind in KINDS_WITH_NUMBERS:
        return is_number(question.value)
    return question.kind is None or question.kind in NUMBERED_KINDS


def _look_up(call: ApiCall) -> TaxiiResponse:
    return call.of(Lookups).look_up(call)


def _check(call: ApiCall) -> TaxiiResponse:
    question = _question(call)
    if call.store.is_fast and not _is_read_fast([question]):
        raise NotFast
    call.count()
    return json_response(call.of(Lookups).check(call.store, question), objects_in=1)


def _question(call: ApiCall) -> LookupQuestion:
    """Return the value of a check. Raises ``TaxiiError``."""
    pairs = call.query(_MOST_PARAMETERS)
    given = dict(pairs)
    if len(given) < len(pairs) or "value" not in given or len(given["value"]) > MAX_VALUE:
        raise TaxiiError("not-a-check")
    details = {name: value for name, value in given.items() if name not in ("value", "kind")}
    return LookupQuestion(given["value"], given.get("kind") or None, details)


def _is_read_fast(questions: Sequence[LookupQuestion]) -> bool:
    """Return whether the values are few and short; normalising makes a text up to eighteen times as long."""
    texts = (len(question.value) + sum(map(len, question.details.values())) for question in questions)
    return len(questions) <= _MOST_FAST_VALUES and sum(texts) <= _MOST_FAST_TEXT


_EXAMPLE = {
    "values": [
        {"value": "1234567890", "kind": "bank-account", "details": {"bank": "004", "country": "TH"}},
        {"value": "hxxps://shop[.]example[.]com"},
    ]
}
_QUOTA = {
    "RateLimit-Policy": {"description": "the quota of the partner, in values a minute", "schema": STRING},
    "RateLimit": {"description": "what is left of it, and for how many seconds", "schema": STRING},
}
ROUTES = (
    ApiRoute(
        "lookup",
        "POST",
        "/api/lookup",
        _look_up,
        "Look values up",
        ResponseBody(LookupAnswer, headers=_QUOTA),
        request=RequestBody(LookupRequest, _MOST_BYTES, "not-a-lookup", example=_EXAMPLE),
        is_fast=True,
        service=Lookups,
    ),
    ApiRoute(
        "check",
        "GET",
        "/api/check",
        _check,
        "Check one value against what is public",
        ResponseBody(LookupAnswer),
        ANYBODY,
        parameters=(
            # A longer value makes the URL too long, which is another error.
            Parameter("value", f"in any spelling, of {MAX_VALUE} characters at most", is_required=True),
            Parameter("kind", "the kind; else what the value looks like"),
        ),
        limit=_CHECKS,
        counts_valid=True,
        is_fast=True,
        service=Lookups,
    ),
)
