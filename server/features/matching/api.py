"""The endpoints under ``/match/``: a set, its tags and its rows, and the evaluation of blinded elements."""

import base64
import binascii
import re
import threading
from datetime import UTC, datetime
from typing import NamedTuple

from schemas import timestamp
from schemas.api.matching import (
    CHUNK,
    ELEMENT,
    EPOCH_SECONDS,
    FRESH_SECONDS,
    MODE,
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
from server.features.matching.evaluation import BadElement, Evaluation, EvaluationBusy
from server.features.matching.keys import MatchKeys
from server.features.matching.sets import SetMaker, epoch_of
from server.features.matching.tag_list import TagList
from server.release.key_files import read_key
from server.settings import Settings
from server.store import Tx
from server.store.collections import Collection
from server.store.database.times import now
from server.store.matching import match_grants, match_sets
from server.store.matching.match_grants import MatchRight, QuotaUsedUp
from server.store.matching.match_sets import MatchSet
from server.web.api.routes import (
    BINARY,
    NO_STORE,
    ApiCall,
    ApiRoute,
    ApiService,
    ApiSite,
    Parameter,
    RequestBody,
    ResponseBody,
    json_response,
)
from server.web.taxii.errors import TaxiiError, retry_later
from server.web.taxii.negotiation import VARY
from server.web.taxii.openapi_schemas import Schema, ref
from server.web.taxii.response import TaxiiResponse

# The version of the set in an answer.
VERSION_HEADER = "X-Match-Version"

_PATH = "/match/{collection_id}"
_SINCE = re.compile(r"since=([0-9]{1,16})")
_PREFIX_OF_ROWS = re.compile(r"[0-9a-f]{1,8}")
_MOST_BYTES = 512 * 1024
_SECOND = 1_000_000
_UNMADE_SECONDS, _BUSY_SECONDS = 10, 2
# Rows belong to a version, which is served for some seconds at least.
_KEPT_SHORTLY = ("Cache-Control", "private, max-age=30")


class _Asked(NamedTuple):
    """The set of a requested collection, the partner's right to match against it, and the id of its key."""

    right: MatchRight
    found: MatchSet
    key: str

    @property
    def collection(self) -> Collection:
        return self.right.collection


class Matching(ApiService):
    """Private matching of one application, for a hub with a seed of its keys."""

    @classmethod
    def is_offered(cls, settings: Settings) -> bool:
        """Return whether the hub has a seed."""
        return settings.match_seed_file is not None

    def __init__(self, site: ApiSite) -> None:
        """Start the process that evaluates, and the thread that makes the sets."""
        super().__init__(site)
        seed = site.settings.match_seed_file
        if seed is None:
            raise ValueError("private matching needs match_seed_file")
        read_key(seed)
        self._store = site.hub.store
        self._evaluation = Evaluation(seed)
        self._keys = MatchKeys(self._evaluation)
        self._tags: dict[int, TagList] = {}
        self._reading_tags = threading.Lock()
        maker = SetMaker(self._store, self._evaluation)
        maker.start()
        # The process that evaluates has to outlive the thread that uses it.
        site.running.callback(self._evaluation.stop)
        site.running.callback(maker.stop)

    def asked(self, tx: Tx, call: ApiCall) -> _Asked:
        """Return the set of the requested collection. Raises ``TaxiiError``."""
        right = match_grants.granted(tx, call.partner.name, call.arguments["collection_id"])
        # Unknown, hidden and not granted collections get the same answer.
        if right is None:
            raise TaxiiError("not-found")
        found = match_sets.find(tx, right.collection.number, epoch_of(now()))
        key = self._key_of(tx, right.collection, found)
        if found is None or key is None or not found.version:
            raise retry_later("match-unmade", _UNMADE_SECONDS)
        if call.arguments.get("key", key) != key:
            raise TaxiiError("key-over")
        return _Asked(right, found, key)

    def _key_of(self, tx: Tx, collection: Collection, found: MatchSet | None) -> str | None:
        """Return the name of the key of a set; None for a set that is being made again with a new seed."""
        try:
            return None if found is None else self._keys.id_of(tx, collection, found)
        except EvaluationBusy:
            raise retry_later("match-busy", _BUSY_SECONDS) from None

    def tags(self, tx: Tx, asked: _Asked) -> bytes:
        """Return all tags of a set. One request reads them, and the others wait, as all partners get the same."""
        with self._reading_tags:
            return self._tags.setdefault(asked.collection.number, TagList()).read(tx, asked.found).octets()

    def evaluate(self, partner: Partner, asked: _Asked, blinded: bytes) -> tuple[bytes, bytes]:
        """Return the evaluated elements and their proofs. Raises ``TaxiiError``."""
        settings, found = self.site.settings, asked.found
        try:
            with self._evaluation.place():
                # Count first, over all processes, so that no partner gets more evaluations than were counted.
                match_grants.spend(
                    self._store,
                    partner.counts_as,
                    len(blinded) // ELEMENT,
                    per_day=settings.match_per_day,
                    total_per_day=settings.match_total_per_day,
                )
                info = key_info(asked.collection.id, found.epoch)
                evaluated, proofs = self._evaluation.evaluate(info, blinded)
                if self._evaluation.public_key(info) != found.public:
                    # The evaluating process was restarted with another seed.
                    raise EvaluationBusy
        except QuotaUsedUp as used_up:
            raise retry_later("too-many-evaluations", used_up.seconds) from None
        except EvaluationBusy:
            raise retry_later("match-busy", _BUSY_SECONDS) from None
        except BadElement:
            raise TaxiiError("bad-element") from None
        return evaluated, proofs


def _describe(call: ApiCall) -> TaxiiResponse:
    settings = call.site.settings
    with call.store.read() as tx:
        asked = call.of(Matching).asked(tx, call)
        left = match_grants.left(tx, call.partner.counts_as, settings.match_per_day)
    found = asked.found
    begins = found.epoch * EPOCH_SECONDS * _SECOND
    until = begins + EPOCH_SECONDS * _SECOND
    described = MatchCollection(
        suite=SUITE,
        mode=MODE,
        keys=(MatchKey(asked.key, found.public.hex(), _text(begins), _text(until)),),
        version=found.version,
        size=found.size,
        bits=found.bits,
        row=ROW,
        sha256=found.sha256.hex(),
        issued=_text(found.issued),
        expires=_text(min(found.issued + FRESH_SECONDS * _SECOND, until)),
        limits=MatchLimits(settings.match_per_request, settings.match_per_day or None, left),
    )
    return json_response(described, collection=asked.collection.id)


def _tags(call: ApiCall) -> TaxiiResponse:
    matching = call.of(Matching)
    with call.store.read() as tx:
        asked = matching.asked(tx, call)
        query = call.environ.get("QUERY_STRING", "")
        since = _SINCE.fullmatch(query)
        if query and since is None:
            raise TaxiiError("bad-since")
        if since is None:
            return _octets(asked, matching.tags(tx, asked), NO_STORE)
        # A partner could test removals from before its right for values that were cleared.
        if not max(asked.found.kept_from, asked.right.since) <= int(since[1]) <= asked.found.version:
            raise TaxiiError("version-over")
        came, went = match_sets.changes(tx, asked.found, int(since[1]))
    octets = b"".join([b"-" + name[:8] for name in went] + [b"+" + name[:8] for name in came])
    return _octets(asked, octets, NO_STORE)


def _rows(call: ApiCall) -> TaxiiResponse:
    with call.store.read() as tx:
        asked = call.of(Matching).asked(tx, call)
        found, prefix = asked.found, call.arguments["prefix"]
        if not _PREFIX_OF_ROWS.fullmatch(prefix) or len(prefix) != digits_of(found.bits):
            raise TaxiiError("not-found")
        number, rest = int(prefix, 16), 8 * ROW_NAME - found.bits
        if number >> found.bits:
            raise TaxiiError("not-found")
        first, last = number << rest, ((number + 1) << rest) - 1
        octets = match_sets.bucket(tx, found, first.to_bytes(ROW_NAME), last.to_bytes(ROW_NAME))
    return _octets(asked, octets, _KEPT_SHORTLY)


def _evaluate(call: ApiCall) -> TaxiiResponse:
    matching, settings = call.of(Matching), call.site.settings
    with call.store.read() as tx:
        asked = matching.asked(tx, call)
    request = call.read(EvaluationRequest)
    blinded = _elements(request, settings.match_per_request)
    if request.key != asked.key:
        raise TaxiiError("key-over")
    evaluated, proofs = matching.evaluate(call.partner, asked, blinded)
    with call.site.hub.store.read() as tx:
        left = match_grants.left(tx, call.partner.counts_as, settings.match_per_day)
    answer = EvaluationAnswer(
        request.key, CHUNK, base64.b64encode(evaluated).decode(), base64.b64encode(proofs).decode(), left
    )
    # The octets are random and cannot be compressed.
    count = len(blinded) // ELEMENT
    return json_response(answer, headers=(NO_STORE, VARY), collection=asked.collection.id, objects_in=count)


def _elements(asked: EvaluationRequest, most: int) -> bytes:
    """Return the blinded elements. Raises ``TaxiiError`` for none, too many, and a part of one."""
    try:
        blinded = base64.b64decode(asked.blinded, validate=True)
    except (binascii.Error, ValueError):
        raise TaxiiError("not-an-evaluation", place="$.blinded") from None
    if not blinded or len(blinded) % ELEMENT:
        raise TaxiiError("not-an-evaluation", place="$.blinded")
    if len(blinded) > most * ELEMENT:
        raise TaxiiError("too-many-elements", most=most)
    return blinded


def _octets(asked: _Asked, octets: bytes, kept: tuple[str, str]) -> TaxiiResponse:
    headers = (kept, (VERSION_HEADER, str(asked.found.version)), VARY)
    return TaxiiResponse(200, octets, headers, BINARY, collection=asked.collection.id)


def _text(moment: int) -> str:
    return timestamp.text(datetime.fromtimestamp(moment / _SECOND, UTC))


_OVER = (ResponseBody(ref("error"), 410, description="the key or the version is over"),)
_BINARY: Schema = {"type": "string", "format": "binary"}
_KEY = Parameter("key", "the id of the key")
ROUTES = (
    ApiRoute(
        "match",
        "GET",
        _PATH,
        _describe,
        "Get the set of a collection",
        ResponseBody(MatchCollection),
        also=_OVER,
        service=Matching,
    ),
    ApiRoute(
        "match_evaluate",
        "POST",
        f"{_PATH}/evaluate",
        _evaluate,
        "Evaluate blinded values",
        ResponseBody(EvaluationAnswer),
        request=RequestBody(EvaluationRequest, _MOST_BYTES, "not-an-evaluation"),
        also=_OVER,
        service=Matching,
    ),
    ApiRoute(
        "match_tags",
        "GET",
        f"{_PATH}/{{key}}/tags",
        _tags,
        "Get the tags of a set, or their changes",
        ResponseBody(_BINARY, media_type=BINARY),
        parameters=(_KEY, Parameter("since", "the version that is there", {"type": "integer"})),
        also=_OVER,
        service=Matching,
    ),
    ApiRoute(
        "match_rows",
        "GET",
        f"{_PATH}/{{key}}/rows/{{prefix}}",
        _rows,
        "Get the rows of a bucket",
        ResponseBody(_BINARY, media_type=BINARY),
        parameters=(_KEY, Parameter("prefix", "the bucket: the first bits of its rows, in hexadecimal")),
        also=_OVER,
        service=Matching,
    ),
)
