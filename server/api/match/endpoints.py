"""The endpoints under ``/match/``: a set, its tags and its rows, and the evaluation of blinded elements."""

import base64
import binascii
import re
import threading
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from schemas import timestamp
from schemas.api.matching import (
    CHUNK,
    ELEMENT,
    EPOCH_SECONDS,
    FRESH_SECONDS,
    MODE,
    MOST_ELEMENTS,
    ROW,
    ROW_NAME,
    SUITE,
    EvaluationAnswer,
    EvaluationRequest,
    MatchCollection,
    MatchKey,
    MatchLimits,
    digits_of,
    key_info,
)
from schemas.partner import Partner
from server.api.match.evaluation import BadElement, Evaluation, EvaluationBusy
from server.api.match.openapi import OCTETS, description
from server.api.match.sets import epoch_of
from server.api.match.tag_list import TagList
from server.store import Store, Tx
from server.store.collections import Collection
from server.store.database.times import now
from server.store.matching import match_grants, match_sets
from server.store.matching.match_grants import MatchRight, QuotaUsedUp
from server.store.matching.match_sets import MatchSet
from server.store.objects.fast_reads import NotFast
from server.taxii.errors import TaxiiError, retry_later
from server.taxii.negotiation import VARY
from server.taxii.other_endpoints import Description, OtherRequest, RouteMethods
from server.taxii.request_body import received
from server.taxii.response import JSON, TaxiiResponse

PREFIX = "/match/"
# The version of the set that an answer is of.
VERSION_HEADER = "X-Match-Version"

_PATH = re.compile(
    r"/match/(?P<collection>[^/]+)"
    r"(?:/(?P<evaluate>evaluate)|/(?P<key>[^/]+)/(?:(?P<tags>tags)|rows/(?P<rows>[^/]+)))?/?"
)
_SINCE = re.compile(r"since=([0-9]{1,16})")
_PREFIX_OF_ROWS = re.compile(r"[0-9a-f]{1,8}")
_MOST_BYTES = 512 * 1024
_SECOND = 1_000_000
_UNMADE_SECONDS, _BUSY_SECONDS = 10, 2
_UNKEPT = ("Cache-Control", "no-store")
# Rows are of a version, which lives for some seconds at least.
_KEPT_SHORTLY = ("Cache-Control", "private, max-age=30")
# By route, the method of each.
_METHODS = RouteMethods({"match": "GET", "match-evaluate": "POST", "match-tags": "GET", "match-rows": "GET"})

_requests = msgspec.json.Decoder(EvaluationRequest)


class MatchQuotas(NamedTuple):
    """The limits of evaluations: of a request, of a partner a day, of all partners a day; 0 is no limit of a day."""

    per_request: int = MOST_ELEMENTS
    per_day: int = 50_000
    total_per_day: int = 500_000


class MatchEndpoints:
    """The endpoints of private matching of one application."""

    def __init__(self, store: Store, evaluation: Evaluation, quotas: MatchQuotas) -> None:
        """Count evaluations in ``store``, and let ``evaluation`` make them."""
        self._store = store
        self._evaluation = evaluation
        self._quotas = quotas
        self._tags: dict[int, TagList] = {}
        self._reading_tags = threading.Lock()

    def describe(self) -> Description:
        """Describe the endpoints for clients."""
        return description()

    def find(self, environ: dict[str, Any]) -> OtherRequest | None:
        """Return the request where its path is one of these."""
        found = _PATH.fullmatch(environ["PATH_INFO"])
        if found is None:
            return None
        name = next((name for name in ("evaluate", "tags", "rows") if found[name]), "")
        return OtherRequest(f"match-{name}" if name else "match", found["collection"], environ)

    def is_open(self, request: OtherRequest) -> bool:
        """Return that nobody matches without credentials."""
        return False

    def body_limit(self, request: OtherRequest) -> int:
        """Return how many bytes the body of an evaluation may have; 0 for any other request."""
        return _MOST_BYTES if request.route == "match-evaluate" and request.method == "POST" else 0

    def check(self, request: OtherRequest) -> None:
        """Refuse a method that the route does not have, and a body that is no JSON. Raises ``TaxiiError``."""
        _METHODS.check(request)

    def respond(self, store: Store, partner: Partner | None, remote: str, request: OtherRequest) -> TaxiiResponse:
        """Answer a request of ``partner``. Raises ``TaxiiError`` and ``NotFast``."""
        if (allowed := _METHODS.options(request)) is not None:
            return allowed
        if store.is_fast:
            raise NotFast
        if partner is None or "\0" in request.collection:
            raise TaxiiError("not-found")
        with store.read() as tx:
            right = match_grants.granted(tx, partner.name, request.collection)
            # Unknown, hidden and not granted are one answer.
            if right is None:
                raise TaxiiError("not-found")
            collection = right.collection
            found = match_sets.find(tx, collection.number, epoch_of(now()))
            if found is None or not found.version:
                raise retry_later("match-unmade", _UNMADE_SECONDS)
            path = _PATH.fullmatch(request.environ["PATH_INFO"])
            if request.route in ("match-tags", "match-rows"):
                if path is None or path["key"] != _key_id(found):
                    raise TaxiiError("key-over")
                if request.route == "match-tags":
                    return self._tags_of(tx, right, found, request)
                return self._rows_of(tx, collection, found, path["rows"] or "")
            if request.route == "match":
                return self._describe(tx, partner, collection, found)
        return self._evaluate(partner, collection, found, request)

    def _describe(self, tx: Tx, partner: Partner, collection: Collection, found: MatchSet) -> TaxiiResponse:
        begins = found.epoch * EPOCH_SECONDS * _SECOND
        until = begins + EPOCH_SECONDS * _SECOND
        quotas = self._quotas
        described = MatchCollection(
            suite=SUITE,
            mode=MODE,
            keys=(MatchKey(_key_id(found), found.public.hex(), _text(begins), _text(until)),),
            version=found.version,
            size=found.size,
            bits=found.bits,
            row=ROW,
            sha256=found.sha256.hex(),
            issued=_text(found.issued),
            expires=_text(min(found.issued + FRESH_SECONDS * _SECOND, until)),
            limits=MatchLimits(
                quotas.per_request, quotas.per_day or None, match_grants.left(tx, partner.name, quotas.per_day)
            ),
        )
        return TaxiiResponse(200, msgspec.json.encode(described), (_UNKEPT,), JSON, collection=collection.id)

    def _tags_of(self, tx: Tx, right: MatchRight, found: MatchSet, request: OtherRequest) -> TaxiiResponse:
        collection = right.collection
        query = request.environ.get("QUERY_STRING", "")
        since = _SINCE.fullmatch(query)
        if query and since is None:
            raise TaxiiError("bad-since")
        if since is None:
            # All wait for the first that reads them: they are the same for everybody.
            with self._reading_tags:
                octets = self._tags.setdefault(collection.number, TagList()).read(tx, found).octets()
        else:
            # What went before the partner was let in could be tried for values that were cleared.
            if not max(found.kept_from, right.since) <= int(since[1]) <= found.version:
                raise TaxiiError("version-over")
            came, went = match_sets.changes(tx, found, int(since[1]))
            octets = b"".join([b"-" + name[:8] for name in went] + [b"+" + name[:8] for name in came])
        return _octets(collection, found, octets, _UNKEPT)

    def _rows_of(self, tx: Tx, collection: Collection, found: MatchSet, prefix: str) -> TaxiiResponse:
        if not _PREFIX_OF_ROWS.fullmatch(prefix) or len(prefix) != digits_of(found.bits):
            raise TaxiiError("not-found")
        number, rest = int(prefix, 16), 8 * ROW_NAME - found.bits
        if number >> found.bits:
            raise TaxiiError("not-found")
        first, last = number << rest, ((number + 1) << rest) - 1
        octets = match_sets.bucket(tx, found, first.to_bytes(ROW_NAME), last.to_bytes(ROW_NAME))
        return _octets(collection, found, octets, _KEPT_SHORTLY)

    def _evaluate(
        self, partner: Partner, collection: Collection, found: MatchSet, request: OtherRequest
    ) -> TaxiiResponse:
        asked = _asked(request)
        blinded = _elements(asked, self._quotas.per_request)
        if asked.key != _key_id(found):
            raise TaxiiError("key-over")
        quotas, count = self._quotas, len(blinded) // ELEMENT
        try:
            with self._evaluation.place():
                # Counted before they are made, over all processes: nobody gets more than was counted.
                with self._store.begin() as tx:
                    match_grants.spend(
                        tx, partner.name, count, per_day=quotas.per_day, total_per_day=quotas.total_per_day
                    )
                evaluated, proofs = self._evaluation.evaluate(key_info(collection.id, found.epoch), blinded)
        except QuotaUsedUp as used_up:
            raise retry_later("too-many-evaluations", used_up.seconds) from None
        except EvaluationBusy:
            raise retry_later("match-busy", _BUSY_SECONDS) from None
        except BadElement:
            raise TaxiiError("bad-element") from None
        with self._store.read() as tx:
            left = match_grants.left(tx, partner.name, quotas.per_day)
        answer = EvaluationAnswer(
            asked.key, CHUNK, base64.b64encode(evaluated).decode(), base64.b64encode(proofs).decode(), left
        )
        body = msgspec.json.encode(answer)
        # Random octets, which nothing makes smaller.
        return TaxiiResponse(200, body, (_UNKEPT, VARY), JSON, collection=collection.id, objects_in=count)


def _asked(request: OtherRequest) -> EvaluationRequest:
    with received(request.environ, _MOST_BYTES) as (body, _):
        try:
            return _requests.decode(body.read())
        except msgspec.ValidationError:
            raise TaxiiError("not-an-evaluation") from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise TaxiiError("not-json-body") from None


def _elements(asked: EvaluationRequest, most: int) -> bytes:
    """Return the blinded elements. Raises ``TaxiiError`` for none, too many, and a part of one."""
    try:
        blinded = base64.b64decode(asked.blinded, validate=True)
    except (binascii.Error, ValueError):
        raise TaxiiError("not-an-evaluation") from None
    if not blinded or len(blinded) % ELEMENT:
        raise TaxiiError("not-an-evaluation")
    if len(blinded) > most * ELEMENT:
        raise TaxiiError("too-many-elements", most=most)
    return blinded


def _octets(collection: Collection, found: MatchSet, octets: bytes, kept: tuple[str, str]) -> TaxiiResponse:
    headers = (kept, (VERSION_HEADER, str(found.version)), VARY)
    return TaxiiResponse(200, octets, headers, OCTETS, collection=collection.id)


def _key_id(found: MatchSet) -> str:
    return str(found.epoch)


def _text(moment: int) -> str:
    return timestamp.text(datetime.fromtimestamp(moment / _SECOND, UTC))
